using System.Text.Json.Nodes;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Access;
using Cosmo.Functions.Threads;
using Cosmo.Functions.Threads.Index;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Tests.Threads;

public sealed class ThreadStoreTests : IAsyncDisposable
{
    private const int Expiry = 1000;

    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _time = new();
    private readonly AccessSetup _access;
    private readonly ThreadStore _store;

    public ThreadStoreTests()
    {
        _access = new AccessSetup(_redis.Connection, _time);
        _store = new ThreadStore(
            _redis.Connection, new ThreadIndex(_redis.Connection, _time), _access.Owners, Options.Create(new ThreadOptions { ExpirySeconds = Expiry }), _time, NullLogger<ThreadStore>.Instance);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private double Now => _time.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;

    public ValueTask DisposeAsync()
    {
        _access.Dispose();
        return _redis.DisposeAsync();
    }

    [Fact]
    public async Task The_owner_of_a_channel_lives_as_long_as_its_thread()
    {
        _access.Options.Mode = "owner";
        await _access.Owners.NameAsync("a", new Caller("ana", []), Cancellation);
        await _store.SaveAsync("a", "conv_1", Cancellation);
        (await OwnerLifeAsync()).ShouldBeInRange(Expiry - 5, Expiry);
        await _redis.Connection.RunAsync(database => database.KeyExpireAsync(RedisKeys.ForChannel(_redis.Prefix, "owner", "a"), TimeSpan.FromSeconds(10)), Cancellation);

        await UseAsync("a");

        (await OwnerLifeAsync()).ShouldBeInRange(Expiry - 5, Expiry);

        Task<double> OwnerLifeAsync() => _redis.Connection.RunAsync(
            async database => (await database.KeyTimeToLiveAsync(RedisKeys.ForChannel(_redis.Prefix, "owner", "a")))!.Value.TotalSeconds, Cancellation);
    }

    [Fact]
    public async Task A_channel_without_a_thread_has_none()
    {
        (await UseAsync("a")).ShouldBeNull();
        (await IndexedAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_saved_thread_is_found_and_stands_as_the_contract_says()
    {
        await _store.SaveAsync("a", "conv_1", Cancellation);

        (await UseAsync("a")).ShouldBe("conv_1");
        (await GetAsync("thread:a")).ShouldBe("conv_1");
        var metadata = await MetadataAsync("a");
        metadata["created_at"]!.GetValue<double>().ShouldBe(Now);
        metadata["message_count"]!.GetValue<int>().ShouldBe(0);
        (await TimeToLiveAsync("thread:a")).ShouldBeInRange(Expiry - 5, Expiry);
        (await TimeToLiveAsync("metadata:a")).ShouldBeInRange(Expiry - 5, Expiry);
    }

    [Fact]
    public async Task Reading_renews_the_expiry_of_thread_and_metadata()
    {
        await _store.SaveAsync("a", "conv_1", Cancellation);
        await ExpireAsync("thread:a", 10);
        await ExpireAsync("metadata:a", 20);

        await UseAsync("a");

        (await TimeToLiveAsync("thread:a")).ShouldBeInRange(Expiry - 5, Expiry);
        (await TimeToLiveAsync("metadata:a")).ShouldBeInRange(Expiry - 5, Expiry);
    }

    [Fact]
    public async Task A_message_is_counted_with_its_time()
    {
        await _store.SaveAsync("a", "conv_1", Cancellation);
        var created = Now;
        _time.Advance(TimeSpan.FromSeconds(7.5));

        await _store.CountMessagesAsync("a", ["m1"], Cancellation);

        var metadata = await MetadataAsync("a");
        metadata["created_at"]!.GetValue<double>().ShouldBe(created);
        metadata["message_count"]!.GetValue<int>().ShouldBe(1);
        metadata["last_message_at"]!.GetValue<double>().ShouldBe(created + 7.5);
        (await IndexedAsync()).ShouldBe([new SortedSetEntry("a", created + 7.5)]);
    }

    [Fact]
    public async Task A_message_is_counted_as_the_thread_is_found_once_and_not_where_there_is_none()
    {
        (await UseAsync("none", "m1")).ShouldBeNull();
        await _store.SaveAsync("a", "conv_1", Cancellation);
        _time.Advance(TimeSpan.FromSeconds(7.5));

        (await UseAsync("a", "m1", "m2")).ShouldBe("conv_1");
        var counted = Now;
        _time.Advance(TimeSpan.FromSeconds(5));
        (await UseAsync("a", "m1", "m2")).ShouldBe("conv_1");

        var metadata = await MetadataAsync("a");
        (metadata["message_count"]!.GetValue<int>(), metadata["last_message_at"]!.GetValue<double>()).ShouldBe((2, counted));
        (await IndexedAsync()).ShouldBe([new SortedSetEntry("a", counted)]);
        (await GetAsync("metadata:none")).ShouldBeNull();
    }

    [Fact]
    public async Task The_same_message_is_not_counted_again()
    {
        await _store.CountMessagesAsync("a", ["m1"], Cancellation);
        var counted = await GetAsync("metadata:a");
        _time.Advance(TimeSpan.FromSeconds(5));

        await _store.CountMessagesAsync("a", ["m1"], Cancellation);

        (await GetAsync("metadata:a")).ShouldBe(counted);
        (await IndexedAsync()).Single().Score.ShouldBe(Now - 5);
    }

    [Fact]
    public async Task Metadata_to_which_nothing_is_to_be_added_is_not_written_again()
    {
        await SetAsync("metadata:a", """{"message_count": 1, "last_message_id": "m1"}""");

        await _store.CountMessagesAsync("a", ["m1"], Cancellation);

        (await GetAsync("metadata:a")).ShouldBe("""{"message_count": 1, "last_message_id": "m1"}""");
    }

    [Fact]
    public async Task Only_that_metadata_could_not_be_read_is_said()
    {
        var room = new ThreadRoom(_redis.Connection);
        await SetAsync("metadata:whole", "{}");
        await SetAsync("metadata:broken", "not JSON");
        foreach (var channel in (string[])["none", "whole", "broken"])
        {
            await room.Store.CountMessagesAsync(channel, ["m1"], Cancellation);
        }

        room.Logs.Text.Trim().ShouldBe("Warning 400 The metadata of channel broken was not a JSON object and was replaced.");
    }

    [Fact]
    public async Task Metadata_that_others_change_each_time_is_given_up_after_a_hundred_tries()
    {
        await using var contested = new ContestedRedis(_redis.Prefix);
        var store = new ThreadRoom(contested).Store;

        await Should.ThrowAsync<TimeoutException>(() => store.CountMessagesAsync("a", ["m1"], Cancellation));

        contested.Writes.ShouldBe(100);
    }

    [Fact]
    public async Task Messages_counted_at_the_same_time_are_all_counted()
    {
        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => _store.CountMessagesAsync("a", [$"m{i}"], Cancellation)));

        (await MetadataAsync("a"))["message_count"]!.GetValue<int>().ShouldBe(40);
    }

    [Fact]
    public async Task What_another_program_wrote_in_the_metadata_stays_as_it_is()
    {
        await SetAsync("metadata:a", """{"created_at": 1683042123.4567891, "message_count": 3, "tags": [], "owner": {"id": 12345678901234567890}}""");

        await _store.CountMessagesAsync("a", ["m1"], Cancellation);

        var metadata = await GetAsync("metadata:a");
        metadata.ShouldNotBeNull();
        metadata.ShouldContain("\"created_at\":1683042123.4567891");
        metadata.ShouldContain("\"tags\":[]");
        metadata.ShouldContain("\"owner\":{\"id\":12345678901234567890}");
        metadata.ShouldContain("\"message_count\":4");
    }

    [Theory]
    [InlineData("")]
    [InlineData("not JSON")]
    [InlineData("[1]")]
    [InlineData("null")]
    [InlineData("""{"owner": "\ud83d"}""")]
    [InlineData("""{"\ud83d": 1}""")]
    [InlineData("""{"last_message_id": "\ud83d", "message_count": NaN}""")]
    [InlineData("""{"message_count": 1, "message_count": 2}""")]
    [InlineData("""{"message_count": "many", "created_at": null}""")]
    public async Task Metadata_that_cannot_be_read_is_mended(string broken)
    {
        await SetAsync("metadata:a", broken);

        await _store.CountMessagesAsync("a", ["m1"], Cancellation);

        var metadata = await MetadataAsync("a");
        metadata["message_count"]!.GetValue<int>().ShouldBe(1);
        metadata["created_at"]!.GetValue<double>().ShouldBe(Now);
    }

    [Fact]
    public async Task A_thread_without_metadata_is_found_and_its_message_counted()
    {
        await SetAsync("thread:a", "conv_1");

        (await UseAsync("a")).ShouldBe("conv_1");
        await _store.CountMessagesAsync("a", ["m1"], Cancellation);

        (await MetadataAsync("a"))["message_count"]!.GetValue<int>().ShouldBe(1);
    }

    [Fact]
    public async Task A_thread_of_the_closed_Assistants_API_counts_as_none_and_its_metadata_stays()
    {
        await SetAsync("thread:a", "thread_abc");
        await SetAsync("metadata:a", """{"created_at": 1683042123.4, "message_count": 3, "last_message_at": 1683042200.1}""");

        (await UseAsync("a")).ShouldBeNull();
        await _store.SaveAsync("a", "conv_new", Cancellation);

        (await UseAsync("a")).ShouldBe("conv_new");
        (await GetAsync("metadata:a")).ShouldBe("""{"created_at": 1683042123.4, "message_count": 3, "last_message_at": 1683042200.1}""");
        (await IndexedAsync()).ShouldBe([new SortedSetEntry("a", 1683042200.1)]);
    }

    [Fact]
    public async Task A_channel_of_the_old_worker_enters_the_index_when_it_is_read_with_the_time_of_its_last_message()
    {
        await SetAsync("thread:a", "conv_1");
        await SetAsync("metadata:a", """{"created_at":1683042123.4,"message_count":3,"last_message_at":1683042200.1}""");

        await UseAsync("a");

        (await IndexedAsync()).ShouldBe([new SortedSetEntry("a", 1683042200.1)]);
    }

    [Fact]
    public async Task Reading_does_not_make_a_channel_look_more_active()
    {
        await _store.CountMessagesAsync("a", ["m1"], Cancellation);
        await _store.SaveAsync("a", "conv_1", Cancellation);
        var counted = Now;
        _time.Advance(TimeSpan.FromSeconds(30));

        await UseAsync("a");

        (await IndexedAsync()).ShouldBe([new SortedSetEntry("a", counted)]);
    }

    [Fact]
    public async Task Channels_with_unusual_names_do_not_meet()
    {
        string[] channels = ["{a}", "a}b{", "a:b", "ä 漢\n", "*"];
        foreach (var channel in channels)
        {
            await _store.SaveAsync(channel, "conv_" + channel, Cancellation);
        }

        foreach (var channel in channels)
        {
            (await UseAsync(channel)).ShouldBe("conv_" + channel);
        }
    }

    /// <summary>As an answer does that begins.</summary>
    private async Task<string?> UseAsync(string channel, params string[] messageIds) => await _store.UseAsync(channel, messageIds, Cancellation);

    private Task<string?> GetAsync(string key) =>
        _redis.Connection.RunAsync(async database => (string?)await database.StringGetAsync(_redis.Prefix + key), Cancellation);

    private async Task SetAsync(string key, string value) =>
        await _redis.Connection.RunAsync(database => database.StringSetAsync(_redis.Prefix + key, value), Cancellation);

    private async Task ExpireAsync(string key, int seconds) =>
        await _redis.Connection.RunAsync(database => database.KeyExpireAsync(_redis.Prefix + key, TimeSpan.FromSeconds(seconds)), Cancellation);

    private async Task<int> TimeToLiveAsync(string key) =>
        (int)(await _redis.Connection.RunAsync(database => database.KeyTimeToLiveAsync(_redis.Prefix + key), Cancellation))!.Value.TotalSeconds;

    private async Task<JsonNode> MetadataAsync(string channel) => JsonNode.Parse((await GetAsync("metadata:" + channel))!)!;

    private Task<SortedSetEntry[]> IndexedAsync() =>
        _redis.Connection.RunAsync(database => database.SortedSetRangeByRankWithScoresAsync(_redis.Prefix + "{threads}:activity"), Cancellation);

    /// <summary>Another program writes the metadata whenever Cosmo is about to.</summary>
    private sealed class ContestedRedis(string prefix) : RedisConnection(Options.Create(new RedisOptions { Url = TestRedis.Url, Prefix = prefix }))
    {
        public int Writes { get; private set; }

        public override Task<RedisResult> EvaluateAsync(string script, RedisKey[] keys, RedisValue[] values, CancellationToken cancellationToken) => script.Contains("'SET'")
            ? Task.FromResult(RedisResult.Create((RedisValue)$$"""{"message_count": {{++Writes}}}"""))
            : base.EvaluateAsync(script, keys, values, cancellationToken);
    }
}
