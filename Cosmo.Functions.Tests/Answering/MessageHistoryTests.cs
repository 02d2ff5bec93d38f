using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Threads;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Answering;

public sealed class MessageHistoryTests : IAsyncDisposable
{
    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly MessageHistory _history;

    public MessageHistoryTests() => _history = new MessageHistory(_redis.Connection, Options.Create(new ThreadOptions()), _clock);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task The_newest_are_kept_and_the_oldest_go()
    {
        const int messages = (MessageHistory.MaxKept / 2) + 10;
        for (var number = 0; number < messages; number++)
        {
            await _history.RecordAsync(new("channel", $"m{number}", 1), [$"msg_{number}"], "completed", _clock.GetUtcNow(), [], Cancellation);
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        var found = await _history.FindAsync("channel", [.. Enumerable.Range(0, messages).Select(number => $"msg_{number}")], Cancellation);

        found.Count.ShouldBe(messages - 10);
        found.Keys.ShouldNotContain("msg_9");
        found["msg_10"].MessageId.ShouldBe("m10");
        (await _history.KnowsAsync("channel", "m9", Cancellation)).ShouldBeFalse();
        (await _history.KnowsAsync("channel", "m10", Cancellation)).ShouldBeTrue();
        foreach (var key in _history.Keys("channel"))
        {
            (await _redis.Connection.RunAsync(database => database.KeyTimeToLiveAsync(key), Cancellation)).ShouldNotBeNull();
        }
    }

    [Fact]
    public async Task A_later_attempt_counts_when_it_has_ended_and_the_items_of_the_one_before_are_known_as_such()
    {
        var address = new MessageAddress("channel", "m1", 1);
        await _history.RecordAsync(address, ["msg_1"], "timeout", _clock.GetUtcNow(), [], Cancellation);
        (await _history.FindAsync("channel", ["msg_1"], Cancellation))["msg_1"].IsSuperseded.ShouldBeFalse();
        await _history.RecordAsync(address with { Attempt = 2 }, ["msg_2"], "completed", _clock.GetUtcNow(), [], Cancellation);

        var found = await _history.FindAsync("channel", ["msg_1", "msg_2", "msg_3"], Cancellation);

        found.Select(pair => (pair.Key, pair.Value.MessageId, pair.Value.Status, pair.Value.IsSuperseded)).ShouldBe([("msg_1", "m1", "timeout", true), ("msg_2", "m1", "completed", false)]);
        (await _history.FindAsync("channel", ["msg_1"], Cancellation))["msg_1"].IsSuperseded.ShouldBeTrue();
        (await _history.FindAsync("other", ["msg_1"], Cancellation)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Of_a_message_that_is_forgotten_there_remains_that_there_was_such_and_none_of_its_items()
    {
        await RecordAsync("m1", "msg_1", "msg_2");
        await RecordAsync("m2", "msg_3");

        await _history.ForgetAsync("channel", ["m1"], ["msg_1", "msg_2"], Cancellation);

        (await _history.FindAsync("channel", ["msg_1", "msg_2", "msg_3"], Cancellation)).Keys.ShouldBe(["msg_3"]);
        (await _history.KnowsAsync("channel", "m1", Cancellation)).ShouldBeFalse();
        (await _history.HasHadAsync("channel", "m1", Cancellation)).ShouldBeTrue();
        (await _history.HasHadAsync("channel", "m3", Cancellation)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_message_that_is_called_as_another_thing_is_kept_is_not_taken_for_it()
    {
        await RecordAsync("m1", "msg_1");
        await RecordAsync("item:msg_1", "message:m2");
        await _history.ForgetAsync("channel", ["message:m3"], [], Cancellation);

        (await _history.FindAsync("channel", ["msg_1"], Cancellation))["msg_1"].MessageId.ShouldBe("m1");
        (await _history.KnowsAsync("channel", "m2", Cancellation)).ShouldBeFalse();
        (await _history.KnowsAsync("channel", "m3", Cancellation)).ShouldBeFalse();
    }

    [Fact]
    public void Two_versions_that_run_side_by_side_know_a_history_by_the_same_keys() =>
        _history.Keys("channel").ShouldBe([_redis.Prefix + "history:{channel}", _redis.Prefix + "history_order:{channel}"]);

    private Task RecordAsync(string messageId, params string[] itemIds) => _history.RecordAsync(new("channel", messageId, 1), itemIds, "completed", _clock.GetUtcNow(), [], Cancellation);
}
