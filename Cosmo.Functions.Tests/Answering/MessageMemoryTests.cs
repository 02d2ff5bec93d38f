using Cosmo.Functions.Access;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Answering;

public sealed class MessageMemoryTests : IAsyncDisposable
{
    private static readonly MessageAddress Address = new("channel", "msg-1", 1);

    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly MessageMemory _memory;

    public MessageMemoryTests() => _memory = new MessageMemory(_redis.Connection, _clock, NullLogger<MessageMemory>.Instance);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task A_response_is_known_by_its_round_and_the_last_one_by_the_highest()
    {
        (await _memory.FindLastResponseAsync(Address, Cancellation)).ShouldBeNull();
        foreach (var round in (int[])[10, 2, 9])
        {
            await _memory.RememberResponseAsync(Address, round, $"resp_{round}", Cancellation);
        }

        await _memory.RememberOutputAsync(Address, "call_1", "done", Cancellation);

        (await _memory.FindLastResponseAsync(Address, Cancellation)).ShouldBe("resp_10");
        (await _memory.FindResponseAsync(Address, 2, Cancellation)).ShouldBe("resp_2");
        (await _memory.FindResponseAsync(Address, 3, Cancellation)).ShouldBeNull();
        (await _memory.FindResponseAsync(Address with { Attempt = 2 }, 2, Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task What_an_answer_had_come_to_at_the_end_of_a_round_is_known_as_it_was()
    {
        var first = new AnswerSoFar("Let me look.", new TokenUsage(100, 20, 5, "gpt", 1)) { MessageIds = ["msg_a", "msg_b"], CallIds = ["call_1", "call_2"] };
        await _memory.RememberSoFarAsync(Address, 0, first, Cancellation);
        await _memory.RememberSoFarAsync(Address, 1, new AnswerSoFar("", null), Cancellation);

        (await FindAsync(0)).ShouldBe(("Let me look.", new TokenUsage(100, 20, 5, "gpt", 1), "msg_a,msg_b", "call_1,call_2"));
        (await FindAsync(1)).ShouldBe(("", null, "", ""));
        (await FindAsync(2)).ShouldBe(("", null, "", ""));

        async Task<(string, TokenUsage?, string, string)> FindAsync(int round)
        {
            var found = await _memory.FindSoFarAsync(Address, round, Cancellation);
            return (found.Text, found.Usage, string.Join(',', found.MessageIds), string.Join(',', found.CallIds));
        }
    }

    [Fact]
    public async Task Of_what_was_shown_of_an_answer_the_first_that_is_kept_counts()
    {
        (await _memory.KeepShownAsync(Address, "It is", Cancellation)).ShouldBe("It is");
        (await _memory.KeepShownAsync(Address, "", Cancellation)).ShouldBe("It is");
    }

    [Fact]
    public async Task The_newest_hundred_claims_of_a_channel_are_known()
    {
        for (var call = 0; call <= 100; call++)
        {
            (await _memory.ClaimCallAsync(Address, $"call_{call}", Cancellation)).ShouldBeTrue();
            _clock.Advance(TimeSpan.FromMilliseconds(1));
        }

        (await Task.WhenAll(new[] { "call_0", "call_1", "call_100" }.Select(call => _memory.IsClaimedAsync("channel", call, Cancellation)))).ShouldBe([false, true, true]);
        (await _memory.ClaimCallAsync(Address, "call_0", Cancellation)).ShouldBeFalse("the message itself knows");
        (await DaysAsync("calls:{channel}")).ShouldBeInRange(89.9, 90);
    }

    [Fact]
    public async Task What_an_activity_must_know_is_kept_for_two_days_after_the_last_of_it()
    {
        await _memory.RememberResponseAsync(Address, 0, "resp_1", Cancellation);

        (await DaysAsync("message:{channel}:1:msg-1")).ShouldBeInRange(1.9, 2);
    }

    [Fact]
    public async Task A_body_is_kept_small_and_for_two_days_after_it_was_asked_for()
    {
        const string key = "body:{channel}:1:msg-1";
        var body = new byte[10_000];
        body[9_999] = 1;
        var log = new UpdateLog(_redis.Connection, Options.Create(new DeliveryOptions()), _clock);
        await new TurnQueue(_redis.Connection, log, Options.Create(new AnsweringOptions())).TakeAsync(Address, "Hello", body, "instance-1", 20, null, null, Cancellation);
        await _redis.Connection.RunAsync(database => database.KeyExpireAsync(_redis.Prefix + key, TimeSpan.FromMinutes(1)), Cancellation);

        (await _memory.FindBodyAsync(Address, Cancellation)).ShouldBe(body);

        (await DaysAsync(key)).ShouldBeInRange(1.9, 2);
        (await _redis.Connection.RunAsync(database => database.StringLengthAsync(_redis.Prefix + key), Cancellation)).ShouldBeLessThan(100);
    }

    [Fact]
    public async Task A_body_that_is_none_counts_as_lost()
    {
        (await _memory.FindBodyAsync(Address, Cancellation)).ShouldBeNull();
        await _redis.Connection.RunAsync(database => database.StringSetAsync(MessageMemory.BodyKey(_redis.Prefix, Address), "not packed"), Cancellation);

        (await _memory.FindBodyAsync(Address, Cancellation)).ShouldBeNull();
    }

    private Task<double> DaysAsync(string key) =>
        _redis.Connection.RunAsync(async database => (await database.KeyTimeToLiveAsync(_redis.Prefix + key) ?? TimeSpan.Zero).TotalDays, Cancellation);
}
