using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Answering.Turns;

public sealed class TurnQueueTests : IAsyncDisposable
{
    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly UpdateLog _log;
    private readonly TurnQueue _turns;

    public TurnQueueTests()
    {
        _log = new UpdateLog(_redis.Connection, Options.Create(new DeliveryOptions()), _clock);
        _turns = new TurnQueue(_redis.Connection, _log, Options.Create(new AnsweringOptions()));
    }

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task The_first_message_has_the_turn_and_the_others_wait_in_order()
    {
        (await TakeAsync(1)).ShouldBe(TurnPlace.Head);
        (await TakeAsync(2)).ShouldBe(TurnPlace.Waiting);
        (await TakeAsync(3)).ShouldBe(TurnPlace.Waiting);

        (await ReleaseAsync(1)).ShouldBe("instance-2");
        (await ReleaseAsync(2)).ShouldBe("instance-3");
        (await ReleaseAsync(3)).ShouldBeNull();
        (await TakeAsync(4)).ShouldBe(TurnPlace.Head);
    }

    [Fact]
    public async Task Taking_a_place_again_gives_the_same_place()
    {
        await TakeAsync(1);
        await TakeAsync(2);

        (await TakeAsync(1)).ShouldBe(TurnPlace.Head);
        (await TakeAsync(2)).ShouldBe(TurnPlace.Waiting);
        (await ReleaseAsync(1)).ShouldBe("instance-2");
        (await ReleaseAsync(2)).ShouldBeNull();
    }

    [Fact]
    public async Task A_message_that_is_over_is_not_taken_in_again()
    {
        await _log.RecordAsync(Address(1), Updates.Cancelled(Address(1), null, ""), once: null, TestContext.Current.CancellationToken);

        (await TakeAsync(1)).ShouldBe(TurnPlace.Known);
        (await TakeAsync(2)).ShouldBe(TurnPlace.Head);
    }

    [Fact]
    public async Task The_start_of_an_answer_is_recorded_once_with_its_turn()
    {
        var first = await _turns.TakeAsync(Address(1), "Hello", [], "instance-1", 20, null, null, TestContext.Current.CancellationToken);
        var again = await _turns.TakeAsync(Address(1), "Hello", [], "instance-1", 20, null, null, TestContext.Current.CancellationToken);
        var waiting = await _turns.TakeAsync(Address(2), "Hello", [], "instance-2", 20, null, null, TestContext.Current.CancellationToken);

        first.Started!.Payload.Status.ShouldBe("started");
        again.ShouldBe(new TakenPlace(TurnPlace.Head, IsNew: false, null));
        waiting.ShouldBe(new TakenPlace(TurnPlace.Waiting, IsNew: true, null));
        (await _log.ReadAsync("channel", 0, TestContext.Current.CancellationToken)).ShouldBe([first.Started]);
        (await _log.RecordAsync(Address(1), Updates.Started(Address(1), "Hello"), "started", TestContext.Current.CancellationToken)).ToSend.ShouldBeNull("an activity says the same once");
    }

    [Fact]
    public async Task A_message_that_an_orchestration_owns_is_not_taken_in_again()
    {
        await TakeAsync(1);
        await _turns.ClaimAsync(Address(1), "run-1", TestContext.Current.CancellationToken);
        await ReleaseAsync(1);

        (await TakeAsync(1)).ShouldBe(TurnPlace.Known);
        (await TakeAsync(2)).ShouldBe(TurnPlace.Head);
    }

    [Fact]
    public async Task Whether_a_message_of_an_id_was_asked_is_known_and_whether_it_was_this_one()
    {
        await TakeAsync(1);

        (await FindAsync(1, "Hello")).ShouldBe((true, true));
        (await FindAsync(1, "Goodbye")).ShouldBe((true, false));
        (await FindAsync(1, null)).ShouldBe((true, true));
        (await FindAsync(2, "Hello")).ShouldBe((false, true));
        (await FindAsync(2, null)).ShouldBe((false, true));

        Task<(bool IsKnown, bool IsSame)> FindAsync(int number, string? text) => _turns.FindAskedAsync("channel", Address(number).MessageId, text, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Messages_that_are_forgotten_leave_nothing_and_the_others_stay_as_they_are()
    {
        var cancellation = TestContext.Current.CancellationToken;
        foreach (var number in (int[])[1, 2, 3])
        {
            await TakeAsync(number);
        }

        await _redis.Connection.RunAsync(database => database.StringSetAsync(_redis.Prefix + "kept:{channel}", "x"), cancellation);
        await _turns.ForgetAsync("channel", [(Address(1), "instance-1"), (Address(2), "instance-2")], [_redis.Prefix + "kept:{channel}"], cancellation);

        (await _turns.FindTakenAsync("channel", cancellation)).ShouldBe([Address(3)]);
        (await _turns.FindPlacesAsync("channel", cancellation)).ShouldBe(["instance-3"]);
        (await _turns.FindAttemptAsync("channel", "msg-1", cancellation)).ShouldBeNull();
        (await _turns.FindAttemptAsync("channel", "msg-3", cancellation)).ShouldBe(1);
        (await _turns.FindAskedAsync("channel", "msg-2", "Hello", cancellation)).IsKnown.ShouldBeFalse();

        // The fence, which whoever forgets names beside the others.
        (await _redis.KeysAsync(TestContext.Current.CancellationToken)).Where(key => key.Contains("msg-1") || key.Contains("msg-2") || key.StartsWith("kept")).ShouldBe(["fence:{channel}:1:msg-1"]);
    }

    [Theory]
    [InlineData(7, 9)]
    [InlineData(30, 31)]
    public async Task That_a_message_was_taken_is_known_longer_than_anything_is_kept_of_it(int historyDays, double days)
    {
        var turns = new TurnQueue(_redis.Connection, _log, Options.Create(new AnsweringOptions { HistoryDays = historyDays }));

        await turns.TakeAsync(Address(1), "Hello", [], "instance-1", 20, null, null, TestContext.Current.CancellationToken);

        var left = await _redis.Connection.RunAsync(database => database.KeyTimeToLiveAsync(_redis.Prefix + "taken:{channel}"), TestContext.Current.CancellationToken);
        left!.Value.TotalDays.ShouldBeInRange(days - 0.01, days);
    }

    [Fact]
    public async Task Two_versions_that_run_side_by_side_know_a_channel_by_the_same_keys()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var rejecting = new TurnQueue(_redis.Connection, _log, Options.Create(new AnsweringOptions { WhenBusy = AnsweringOptions.Reject }));
        foreach (var number in (int[])[1, 2, 3])
        {
            await TakeToMergeAsync(number);
        }

        await _turns.ClaimTogetherAsync(Address(1), "instance-1", "run-1", 25, cancellation);
        await rejecting.AnnounceEndAsync(Address(1), "instance-1", cancellation);

        (await _redis.KeysAsync(TestContext.Current.CancellationToken)).ShouldBe([
            "attempt:{channel}:msg-1", "attempt:{channel}:msg-2", "attempt:{channel}:msg-3", "body:{channel}:1:msg-1", "body:{channel}:1:msg-2", "body:{channel}:1:msg-3", "ending:{channel}",
            "fence:{channel}:1:msg-1", "merged:{channel}:1:msg-1", "message:{channel}:1:msg-1", "message:{channel}:1:msg-2", "question:{channel}:msg-1", "question:{channel}:msg-2",
            "question:{channel}:msg-3", "sequence:{channel}", "taken:{channel}", "tickets:{channel}", "turn:{channel}", "turns:{channel}", "updates:{channel}"]);
    }

    [Fact]
    public async Task Where_messages_are_merged_one_that_gives_its_place_back_leaves_nothing_to_be_merged_by()
    {
        var merging = new TurnQueue(_redis.Connection, _log, Options.Create(new AnsweringOptions { WhenBusy = AnsweringOptions.Merge }));
        await TakeToMergeAsync(1);

        await merging.ReleaseAsync(Address(1), "instance-1", isAnswered: true, TestContext.Current.CancellationToken);

        (await _redis.KeysAsync(TestContext.Current.CancellationToken)).ShouldNotContain("tickets:{channel}");
    }

    [Fact]
    public async Task More_than_may_wait_are_refused()
    {
        (await TakeAsync(1, maxWaiting: 2)).ShouldBe(TurnPlace.Head);
        (await TakeAsync(2, maxWaiting: 2)).ShouldBe(TurnPlace.Waiting);
        (await TakeAsync(3, maxWaiting: 2)).ShouldBe(TurnPlace.Waiting);
        (await TakeAsync(4, maxWaiting: 2)).ShouldBe(TurnPlace.Refused);

        await ReleaseAsync(1);

        (await TakeAsync(4, maxWaiting: 2)).ShouldBe(TurnPlace.Waiting);
    }

    [Fact]
    public async Task Where_a_busy_channel_rejects_a_message_may_come_as_soon_as_the_one_before_says_that_it_ends()
    {
        var rejecting = new TurnQueue(_redis.Connection, _log, Options.Create(new AnsweringOptions { WhenBusy = AnsweringOptions.Reject }));
        await TakeAsync(1, maxWaiting: 0);
        (await TakeAsync(2, maxWaiting: 0)).ShouldBe(TurnPlace.Refused);

        await new TurnRelease(rejecting, TimeProvider.System, NullLogger<TurnRelease>.Instance).AnnounceAsync(Address(1), "instance-1", TestContext.Current.CancellationToken);

        (await TakeAsync(2, maxWaiting: 0)).ShouldBe(TurnPlace.Waiting);
        (await TakeAsync(3, maxWaiting: 0)).ShouldBe(TurnPlace.Refused);
        (await ReleaseAsync(1)).ShouldBe("instance-2");
        (await TakeAsync(4, maxWaiting: 0)).ShouldBe(TurnPlace.Refused);
    }

    [Fact]
    public async Task Channels_do_not_wait_for_each_other()
    {
        await TakeAsync(1);

        (await _turns.TakeAsync(new MessageAddress("other", "msg-1", 1), "Hello", [], "other-1", 20, null, null, TestContext.Current.CancellationToken)).Place.ShouldBe(TurnPlace.Head);
    }

    [Fact]
    public async Task A_head_that_is_known_to_be_gone_is_removed()
    {
        await TakeAsync(1);
        await TakeAsync(2);

        (await HeadAsync(2, gone: null)).ShouldBe("instance-1");
        (await HeadAsync(2, gone: "instance-1")).ShouldBe("instance-2");
    }

    [Fact]
    public async Task A_head_keeps_the_turn_no_longer_than_its_lease()
    {
        await TakeAsync(1);
        await TakeAsync(2);
        await TakeAsync(3);

        // The overall deadline and a minute more.
        (await LeaseAsync()).ShouldBeInRange(TimeSpan.FromSeconds(140), TimeSpan.FromSeconds(150));
        (await HeadAsync(2, gone: null)).ShouldBe("instance-1");
        await EndLeaseAsync();
        (await HeadAsync(2, gone: null)).ShouldBe("instance-2");

        // The new head has a lease of its own.
        (await HeadAsync(3, gone: null)).ShouldBe("instance-2");
        await EndLeaseAsync();
        (await HeadAsync(3, gone: null)).ShouldBe("instance-3");
    }

    [Fact]
    public async Task A_head_that_waits_for_a_person_keeps_the_turn_for_so_much_longer_and_nobody_else_does()
    {
        await TakeAsync(1);
        await TakeAsync(2);

        await _turns.KeepAsync(Address(2), "instance-2", TimeSpan.FromMinutes(5), TestContext.Current.CancellationToken);
        (await LeaseAsync()).ShouldBeInRange(TimeSpan.FromSeconds(140), TimeSpan.FromSeconds(150));
        await _turns.KeepAsync(Address(1), "instance-1", TimeSpan.FromMinutes(5), TestContext.Current.CancellationToken);
        (await LeaseAsync()).ShouldBeInRange(TimeSpan.FromSeconds(440), TimeSpan.FromSeconds(450));
    }

    [Fact]
    public async Task Where_a_busy_channel_rejects_a_turn_that_was_not_given_back_refuses_nobody_once_its_lease_has_ended()
    {
        await TakeAsync(1, maxWaiting: 0);
        (await TakeAsync(2, maxWaiting: 0)).ShouldBe(TurnPlace.Refused);

        await EndLeaseAsync();

        (await TakeAsync(2, maxWaiting: 0)).ShouldBe(TurnPlace.Head);
        (await TakeAsync(3, maxWaiting: 0)).ShouldBe(TurnPlace.Refused);
    }

    [Fact]
    public async Task A_head_whose_lease_has_ended_makes_room_for_those_that_wait()
    {
        await TakeAsync(1, maxWaiting: 1);
        await TakeAsync(2, maxWaiting: 1);
        (await TakeAsync(3, maxWaiting: 1)).ShouldBe(TurnPlace.Refused);

        await EndLeaseAsync();

        (await TakeAsync(3, maxWaiting: 1)).ShouldBe(TurnPlace.Waiting);
        (await HeadAsync(3, gone: null)).ShouldBe("instance-2");
    }

    [Fact]
    public async Task A_list_that_Redis_lost_costs_order_and_no_message()
    {
        await TakeAsync(1);
        await TakeAsync(2);
        await TakeAsync(3);
        await _redis.Connection.RunAsync(database => database.KeyDeleteAsync(_redis.Prefix + "turns:{channel}"), TestContext.Current.CancellationToken);

        (await HeadAsync(3, gone: null)).ShouldBe("instance-3");
        (await HeadAsync(2, gone: null)).ShouldBe("instance-3");
        (await ReleaseAsync(1)).ShouldBe("instance-3");
        (await ReleaseAsync(3)).ShouldBe("instance-2");
    }

    [Fact]
    public async Task Of_several_orchestrations_of_a_message_the_first_owns_it()
    {
        (await _turns.ClaimAsync(Address(1), "run-a", TestContext.Current.CancellationToken)).ShouldBe(MessageClaim.Ours);
        (await _turns.ClaimAsync(Address(1), "run-b", TestContext.Current.CancellationToken)).ShouldBe(MessageClaim.Anothers);
        (await _turns.ClaimAsync(Address(1), "run-a", TestContext.Current.CancellationToken)).ShouldBe(MessageClaim.Ours);
        (await _turns.ClaimAsync(Address(1) with { Attempt = 2 }, "run-c", TestContext.Current.CancellationToken)).ShouldBe(MessageClaim.Ours);
    }

    private Task<TimeSpan> LeaseAsync() => _redis.Connection.RunAsync(
        async database => await database.KeyTimeToLiveAsync(_redis.Prefix + "turn:{channel}") ?? TimeSpan.Zero, TestContext.Current.CancellationToken);

    /// <summary>What Redis does when the time of the lease is over.</summary>
    private Task<bool> EndLeaseAsync() =>
        _redis.Connection.RunAsync(database => database.KeyDeleteAsync(_redis.Prefix + "turn:{channel}"), TestContext.Current.CancellationToken);

    private static MessageAddress Address(int number) => new("channel", $"msg-{number}", 1);

    [Fact]
    public async Task What_waits_directly_behind_for_the_same_caller_is_claimed_with_a_message_and_again_with_it()
    {
        foreach (var number in (int[])[1, 2, 3])
        {
            await TakeToMergeAsync(number);
        }

        await TakeToMergeAsync(4, new Caller("ben", []));
        await TakeToMergeAsync(5);

        var (claim, merged) = await ClaimTogetherAsync(1);

        claim.ShouldBe(MessageClaim.Ours);
        merged.Select(message => (message.Address, message.Question)).ShouldBe([(Address(2), "Question 2"), (Address(3), "Question 3")]);
        (await ClaimTogetherAsync(1)).Merged.Select(message => message.Address).ShouldBe(merged.Select(message => message.Address));
        (await _turns.FindMergedAsync(Address(1), TestContext.Current.CancellationToken)).Count.ShouldBe(2);
        (await ClaimTogetherAsync(2)).ShouldSatisfyAllConditions(claim => claim.Claim.ShouldBe(MessageClaim.Anothers), claim => claim.Merged.ShouldBeEmpty());
        (await _turns.FindLeaderAsync(Address(3), TestContext.Current.CancellationToken)).ShouldBe("instance-1");
        (await TakeToMergeAsync(2)).ShouldBe(TurnPlace.Known);
        (await _turns.HeadAsync(Address(2), "instance-2", "run-2", gone: null, TestContext.Current.CancellationToken)).ShouldBe("instance-2");
        (await ReleaseAsync(1)).ShouldBe("instance-4");
        (await ClaimTogetherAsync(4)).Merged.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_comes_after_a_claim_that_merged_waits_for_the_next()
    {
        await TakeToMergeAsync(1);
        await TakeToMergeAsync(2);
        await ClaimTogetherAsync(1);
        await TakeToMergeAsync(3);
        await TakeToMergeAsync(4);

        (await ClaimTogetherAsync(1)).Merged.ShouldHaveSingleItem().Address.ShouldBe(Address(2));
        (await ReleaseAsync(1)).ShouldBe("instance-3");
        (await ClaimTogetherAsync(3)).Merged.ShouldHaveSingleItem().Address.ShouldBe(Address(4));
    }

    [Fact]
    public async Task What_comes_after_a_claim_that_merged_nothing_waits_for_the_next_also_when_the_claim_is_made_again()
    {
        await TakeToMergeAsync(1);
        await ClaimTogetherAsync(1);
        await TakeToMergeAsync(2);

        (await ClaimTogetherAsync(1)).ShouldSatisfyAllConditions(claim => claim.Claim.ShouldBe(MessageClaim.Ours), claim => claim.Merged.ShouldBeEmpty());
        (await ReleaseAsync(1)).ShouldBe("instance-2");
    }

    [Theory]
    [InlineData("profile")]
    [InlineData("role")]
    [InlineData("replaces")]
    [InlineData("cancelled")]
    [InlineData("over")]
    [InlineData("long")]
    [InlineData("enqueued")]
    public async Task What_may_not_be_asked_together_waits_and_so_does_what_is_behind_it(string why)
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var stopSignals = new StopSignals(_redis.Connection, NullLogger<StopSignals>.Instance);
        await TakeToMergeAsync(1);
        await TakeToMergeAsync(2);
        await (why switch
        {
            "profile" => TakeToMergeAsync(3, profile: "brief"),
            "role" => TakeToMergeAsync(3, new Caller("ana", ["auditor"])),
            "replaces" => TakeToMergeAsync(3, replaces: "msg-1"),
            "long" => TakeToMergeAsync(3, text: new string('x', MergedMessage.MostText - 19)),
            "enqueued" => TakeAsync(3),
            _ => TakeToMergeAsync(3),
        });
        await TakeToMergeAsync(4);
        await (why switch
        {
            "cancelled" => stopSignals.CancelAsync("channel", "instance-3", cancellation),
            "over" => _log.RecordAsync(Address(3), Updates.Cancelled(Address(3), null, ""), once: null, cancellation),
            _ => Task.CompletedTask,
        });

        (await ClaimTogetherAsync(1)).Merged.ShouldHaveSingleItem().Address.ShouldBe(Address(2));
        (await ReleaseAsync(1)).ShouldBe("instance-3");
    }

    [Fact]
    public async Task A_message_that_is_over_merges_nothing_and_names_what_it_had_merged()
    {
        await TakeToMergeAsync(1);
        await TakeToMergeAsync(2);
        await ClaimTogetherAsync(1);
        await TakeToMergeAsync(3);
        await _log.RecordAsync(Address(1), Updates.Cancelled(Address(1), null, ""), once: null, TestContext.Current.CancellationToken);

        var (claim, merged) = await ClaimTogetherAsync(1);

        claim.ShouldBe(MessageClaim.Over);
        merged.ShouldHaveSingleItem().Address.ShouldBe(Address(2));
    }

    [Fact]
    public async Task The_messages_that_came_after_one_are_known_in_their_order_also_within_a_moment()
    {
        int[] numbers = [7, 3, 9, 1, 5];
        foreach (var number in numbers)
        {
            await TakeAsync(number);
        }

        (await _turns.FindFollowingAsync(Address(9), TestContext.Current.CancellationToken)).ShouldBe([Address(9), Address(1), Address(5)]);
        (await _turns.FindFollowingAsync(Address(2), TestContext.Current.CancellationToken)).ShouldBeEmpty();
    }

    private async Task<TurnPlace> TakeToMergeAsync(int number, Caller? caller = null, string? profile = null, string? replaces = null, string? text = null)
    {
        var address = Address(number) with { Profile = profile };
        var message = new ChatMessage("channel", address.MessageId, text ?? $"Question {number}", caller ?? new Caller("ana", [])) { Replaces = replaces };
        var ticket = MergeTicket.Of(address, message, DeliveryProperties.None, _clock.GetUtcNow());
        return (await _turns.TakeAsync(address, message.Message, [], $"instance-{number}", 20, replaces, ticket, TestContext.Current.CancellationToken)).Place;
    }

    private Task<(MessageClaim Claim, IReadOnlyList<MergedMessage> Merged)> ClaimTogetherAsync(int number) =>
        _turns.ClaimTogetherAsync(Address(number), $"instance-{number}", $"run-{number}", MergedMessage.MostText, TestContext.Current.CancellationToken);

    private async Task<TurnPlace> TakeAsync(int number, int maxWaiting = 20) =>
        (await _turns.TakeAsync(Address(number), "Hello", [], $"instance-{number}", maxWaiting, null, null, TestContext.Current.CancellationToken)).Place;

    private Task<string?> ReleaseAsync(int number) => _turns.ReleaseAsync(Address(number), $"instance-{number}", isAnswered: false, TestContext.Current.CancellationToken);

    private Task<string> HeadAsync(int number, string? gone) => _turns.HeadAsync(Address(number), $"instance-{number}", $"run-{number}", gone, TestContext.Current.CancellationToken);
}
