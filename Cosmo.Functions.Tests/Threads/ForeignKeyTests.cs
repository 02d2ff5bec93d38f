using System.Text.Json.Nodes;
using Cosmo.Functions.Administration.Deletion;
using StackExchange.Redis;

namespace Cosmo.Functions.Tests.Threads;

/// <summary>Keys of the contract that hold something else: another type, or metadata that is not as it should be.</summary>
public sealed class ForeignKeyTests : IAsyncDisposable
{
    private readonly TestRedis _redis = new();
    private readonly ThreadRoom _room;

    public ForeignKeyTests() => _room = new ThreadRoom(_redis.Connection);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task Bad_entries_are_skipped_counted_and_named_and_the_good_ones_counted()
    {
        await _room.WriteAsync("good", "conv_good", 2, messages: 7);
        await SetHashAsync("metadata:crm");
        await SetAsync("thread:crm", "conv_crm");
        await SetHashAsync("thread:list");
        await SetAsync("metadata:text", "name: secret");
        await SetAsync("metadata:count", """{"created_at": 1683042123.4, "message_count": "3", "last_message_at": 1683042200.1, "name": "secret"}""");

        await _room.IndexAllAsync();
        _room.Logs.Text.Split('\n').Count(line => line.StartsWith("Warning 405 ", StringComparison.Ordinal)).ShouldBe(4);
        var statistics = await _room.Statistics.ReadAsync(Cancellation);

        statistics.Threads.ShouldBe(2);
        statistics.Ages.Sum(group => group.Threads).ShouldBe(4, "of a channel with nothing but somebody else's key nothing is known");
        (statistics.MetadataEntries, statistics.TotalMessages).ShouldBe((1, 7));
        statistics.Unreadable.Count.ShouldBe(4);
        statistics.Unreadable.Keys.Order().ShouldBe(((string[])["metadata:count", "metadata:crm", "metadata:text", "thread:list"]).Select(key => _redis.Prefix + key));
        foreach (var key in statistics.Unreadable.Keys)
        {
            _room.Logs.Text.Split('\n').Count(line => line.StartsWith($"Warning 405 Key {key} ", StringComparison.Ordinal)).ShouldBe(1);
        }

        _room.Logs.Text.ShouldNotContain("secret");
    }

    [Fact]
    public async Task A_key_that_was_mended_or_is_gone_is_forgotten()
    {
        await SetHashAsync("metadata:crm");
        await SetHashAsync("thread:other");
        await _room.IndexAllAsync();

        await _room.DeleteKeyAsync("thread:other");
        await _room.DeleteKeyAsync("metadata:crm");
        await _room.WriteAsync("crm", "conv_crm", 1, messages: 2);
        await _room.IndexAllAsync();

        var statistics = await _room.Statistics.ReadAsync(Cancellation);
        (statistics.Unreadable.Count, statistics.TotalMessages).ShouldBe((0, 2));
    }

    [Theory]
    [InlineData("not JSON")]
    [InlineData("""{"message_count": "many"}""")]
    public async Task What_was_counted_before_metadata_became_unreadable_counts_no_more(string metadata)
    {
        await _room.AddAsync("a", "conv_a", 1, messages: 5);
        await _room.AddAsync("b", "conv_b", 1, messages: 1);
        await SetAsync("metadata:a", metadata);

        await _room.IndexAllAsync();

        var statistics = await _room.Statistics.ReadAsync(Cancellation);
        (statistics.Threads, statistics.MetadataEntries, statistics.TotalMessages, statistics.Unreadable.Count).ShouldBe((2, 1, 1, 1));
    }

    [Fact]
    public async Task A_channel_whose_metadata_is_somebody_elses_works_on_and_leaves_it_alone()
    {
        await SetHashAsync("metadata:crm");

        (await _room.Store.UseAsync("crm", [], Cancellation)).ShouldBeNull();
        await _room.Store.SaveAsync("crm", "conv_1", Cancellation);
        await _room.Store.CountMessagesAsync("crm", ["m1"], Cancellation);

        (await _room.Store.UseAsync("crm", [], Cancellation)).ShouldBe("conv_1");
        (await HashAsync("metadata:crm")).ShouldBe("x");
        (await _room.Index.CountAsync(_room.Ago(0), Cancellation)).ShouldBe(1);
        _room.Logs.Text.ShouldContain($"Warning 405 Key {_redis.Prefix}metadata:crm ");
    }

    [Fact]
    public async Task A_message_in_such_a_channel_keeps_its_thread_from_being_pruned()
    {
        await SetHashAsync("metadata:crm");
        await _room.Store.SaveAsync("crm", "conv_1", Cancellation);
        _room.Time.Advance(TimeSpan.FromDays(89));
        await _room.Store.CountMessagesAsync("crm", ["m1"], Cancellation);
        _room.Time.Advance(TimeSpan.FromDays(2));

        (await _room.PruneAsync()).ShouldBe((0, 0, 0));
    }

    [Fact]
    public async Task A_count_that_is_text_is_mended_by_the_next_message()
    {
        await SetAsync("metadata:a", """{"message_count": "3", "owner": "x"}""");

        await _room.Store.CountMessagesAsync("a", ["m1"], Cancellation);

        var metadata = JsonNode.Parse((await _room.GetAsync("metadata:a"))!)!;
        (metadata["message_count"]!.GetValue<int>(), metadata["owner"]!.GetValue<string>()).ShouldBe((4, "x"));
    }

    [Fact]
    public async Task A_thread_key_of_another_type_is_refused_and_not_written_over()
    {
        await SetHashAsync("thread:crm");

        await Should.ThrowAsync<RedisServerException>(() => _room.Store.UseAsync("crm", [], Cancellation));

        (await HashAsync("thread:crm")).ShouldBe("x");
        _room.Logs.Text.ShouldContain($"Warning 405 Key {_redis.Prefix}thread:crm ");
    }

    [Fact]
    public async Task Pruning_leaves_what_is_somebody_elses_and_removes_the_rest()
    {
        await _room.AddAsync("old", "conv_old", 100);
        await _room.AddAsync("crm", "conv_crm", 100);
        await _room.AddAsync("text", "conv_text", 100);
        await _room.DeleteKeyAsync("metadata:crm");
        await SetHashAsync("metadata:crm");
        await SetAsync("metadata:text", "not JSON");
        await _room.IndexAllAsync();

        (await _room.PruneAsync()).ShouldBe((3, 0, 0));

        (await _room.GetAsync("thread:crm")).ShouldBeNull();
        (await _room.GetAsync("metadata:text")).ShouldBeNull();
        (await HashAsync("metadata:crm")).ShouldBe("x");
        (await _room.Statistics.ReadAsync(Cancellation)).Unreadable.Keys.ShouldBe([_redis.Prefix + "metadata:crm"]);
    }

    [Fact]
    public async Task Where_all_are_meant_the_keys_go_whatever_they_hold()
    {
        await SetHashAsync("metadata:crm");
        await SetHashAsync("thread:list");
        await SetAsync("metadata:text", "not JSON");
        await _room.IndexAllAsync();

        var step = await _room.Batches.RemoveAbandonedAsync(isForced: true, RemovalStep.Begin(isOpenAIDown: false), _room.Client, Cancellation);

        step.Removed.ShouldBe(3);
        foreach (var key in (string[])["metadata:crm", "thread:list", "metadata:text"])
        {
            (await _redis.Connection.RunAsync(database => database.KeyExistsAsync(_redis.Prefix + key), Cancellation)).ShouldBeFalse();
        }

        (await _room.Statistics.ReadAsync(Cancellation)).Unreadable.Count.ShouldBe(0);
    }

    private Task<bool> SetHashAsync(string key) => _redis.Connection.RunAsync(database => database.HashSetAsync(_redis.Prefix + key, "owner", "x"), Cancellation);

    private Task<bool> SetAsync(string key, string value) => _redis.Connection.RunAsync(database => database.StringSetAsync(_redis.Prefix + key, value), Cancellation);

    private Task<string?> HashAsync(string key) =>
        _redis.Connection.RunAsync(async database => (string?)await database.HashGetAsync(_redis.Prefix + key, "owner"), Cancellation);
}
