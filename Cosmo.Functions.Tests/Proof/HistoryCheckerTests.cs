namespace Cosmo.Functions.Tests.Proof;

/// <summary>Each promise is broken on purpose, in a history that keeps all the others, and is missed.</summary>
public sealed class HistoryCheckerTests
{
    private readonly List<HistoryEvent> _history = [];
    private long _now = 1_000_000;

    [Fact]
    public void A_history_that_keeps_every_promise_is_found_to_and_every_rule_has_looked_at_something()
    {
        Good();

        var verdict = HistoryChecker.Check(_history);

        verdict.Violations.ShouldBeEmpty();
        verdict.Looked.Where(rule => rule.Value == 0).ShouldBeEmpty();
    }

    [Fact]
    public void A_message_that_was_accepted_and_has_no_end_is_found() => Breaks(HistoryChecker.OneEnd, () => _history.Add(Sent("a", "a9")));

    [Fact]
    public void A_message_that_was_not_accepted_may_have_no_end()
    {
        Good();
        _history.Add(new Publishing(Tick(), "a", "a9", "Say a9"));

        HistoryChecker.Check(_history).Violations.ShouldBeEmpty();
    }

    [Fact]
    public void Two_ends_are_found() => Breaks(HistoryChecker.OneEnd, () => Tell("a", "a2", 99, "error", text: "Sorry."), HistoryChecker.Kept, HistoryChecker.Growing);

    [Fact]
    public void An_end_without_a_sequence_while_Redis_was_there_is_found() =>
        Breaks(HistoryChecker.OneEnd, () => Replace(told => told is { MessageId: "b1", IsFinal: true }, told => told with { Sequence = null }));

    [Fact]
    public void Text_after_the_end_is_found() => Breaks(HistoryChecker.NothingAfter, () => Tell("a", "a2", 98, "in_progress", text: "It is"));

    [Fact]
    public void An_answer_before_its_turn_is_found() => Breaks(HistoryChecker.Order, () =>
    {
        _history.AddRange([Sent("c", "c1"), Sent("c", "c2")]);
        Tell("c", "c1", 1, "started");
        Tell("c", "c2", 2, "started");
        Tell("c", "c2", 3, "completed", text: "Two.");
        Tell("c", "c1", 4, "completed", text: "One.");
    });

    [Fact]
    public void Two_messages_of_a_channel_at_once_are_found() => Breaks(HistoryChecker.OneAtATime, () =>
    {
        _history.AddRange([Sent("c", "c1"), Sent("c", "c2")]);
        Tell("c", "c1", 1, "responding");
        Tell("c", "c2", 2, "responding");
        Tell("c", "c1", 3, "completed", text: "One.");
        Tell("c", "c2", 4, "completed", text: "Two.");
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_end_without_a_sequence_gives_the_turn_on_from_when_it_was_told(bool isTold)
    {
        Good();
        _history.Add(new FaultBegan(Tick(), 1, "full", Loss.RedisAway));
        _history.AddRange([Sent("c", "c1"), Sent("c", "c2")]);
        Tell("c", "c1", 1, "responding");
        if (isTold)
        {
            TellEnd();
        }

        Tell("c", "c2", 2, "responding");
        Tell("c", "c2", 3, "completed", text: "Two.");
        if (!isTold)
        {
            TellEnd();
        }

        _history.Add(new FaultEnded(Tick(), 1, 1));

        HistoryChecker.Check(_history).Violations.Select(violation => violation.Rule).ShouldBe(isTold ? [] : [HistoryChecker.OneAtATime]);

        void TellEnd() => Add(Made("c-stays", "c", "c1", 0, "completed", "One.") with { Sequence = null });
    }

    [Theory]
    [InlineData(103)]
    [InlineData(105)]
    public void An_end_that_the_log_alone_gave_after_a_loss_gives_the_turn_on(long sequence)
    {
        Good();
        Lose();
        Skip(TimeSpan.FromMinutes(1));
        _history.AddRange([Sent("c", "c1"), Sent("c", "c2")]);
        Tell("c", "c1", 101, "started");
        Tell("c", "c1", 102, "responding");
        Add(Made("c-stays", "c", "c1", sequence, "completed", "One.") with { IsCaughtUp = true });
        Tell("c", "c2", 104, "responding");
        Tell("c", "c2", 106, "completed", text: "Two.");

        HistoryChecker.Check(_history).Violations.Select(violation => violation.Rule).ShouldBe(sequence < 104 ? [] : [HistoryChecker.OneAtATime]);
    }

    [Fact]
    public void A_sequence_of_two_updates_is_found() =>
        Breaks(HistoryChecker.Growing, () => Replace(told => told is { Client: "a-back", MessageId: "a1", Status: "responding" }, told => told with { Sequence = 1 }));

    [Fact]
    public void A_sequence_that_comes_after_a_later_one_is_found() => Breaks(HistoryChecker.Growing, () =>
    {
        _history.Add(Sent("c", "c1"));
        Tell("c", "c1", 2, "responding");
        Tell("c", "c1", 1, "started");
        Tell("c", "c1", 3, "completed", text: "One.");
    });

    [Fact]
    public void A_text_that_is_no_beginning_of_the_final_one_is_found() =>
        Breaks(HistoryChecker.Beginnings, () => Replace(told => told is { MessageId: "a1", Status: "in_progress" }, told => told with { Hash = TextHash.Of("It is wet") }));

    [Fact]
    public void A_text_that_shrinks_is_found() => Breaks(HistoryChecker.Beginnings, () =>
    {
        _history.Add(Sent("c", "c1"));
        Tell("c", "c1", 1, "in_progress", text: "One, two");
        Tell("c", "c1", 2, "in_progress", text: "One");
        Tell("c", "c1", 3, "completed", text: "One, two.");
    });

    [Fact]
    public void A_client_that_came_back_and_lacks_an_end_is_found() =>
        Breaks(HistoryChecker.SameView, () => _history.RemoveAll(one => one is Told { Client: "a-back", MessageId: "a2", IsFinal: true }));

    [Fact]
    public void A_client_that_came_back_and_has_another_state_of_a_call_is_found() => Breaks(
        HistoryChecker.SameView,
        () => _history.RemoveAll(one => one is Told { Client: "a-back", CallState: "done" }));

    [Fact]
    public void A_question_that_stands_twice_is_found() =>
        Breaks(HistoryChecker.QuestionOnce, () => _history.Add(new Conversation(Tick(), "a", "conv-2", [new ConversationItem("user", "Say a1", null)])));

    [Fact]
    public void A_question_that_stands_nowhere_is_found() => Breaks(HistoryChecker.QuestionOnce, () =>
    {
        _history.Add(Sent("a", "a9"));
        Tell("a", "a9", 90, "completed", text: "Yes.");
    });

    [Fact]
    public void A_call_without_output_is_found() =>
        Breaks(HistoryChecker.NoOpenCall, () => _history.Add(new Conversation(Tick(), "d", "conv-d", [new ConversationItem("call", null, "call-9")])));

    [Fact]
    public void A_failure_that_is_no_dead_letter_is_found() => Breaks(HistoryChecker.Kept, () => _history.RemoveAll(one => one is Letter));

    [Fact]
    public void A_dead_letter_without_a_cause_is_found() =>
        Breaks(HistoryChecker.Kept, () => _history[_history.FindIndex(one => one is Letter)] = new Letter(Tick(), "b1", ""));

    [Fact]
    public void A_dead_letter_of_a_message_that_was_answered_is_found() => Breaks(HistoryChecker.Kept, () => _history.Add(new Letter(Tick(), "a1", "unexpected")));

    [Theory]
    [InlineData(8)]
    [InlineData(14)]
    public void Usage_that_is_counted_twice_or_not_is_found(int tokens) =>
        Breaks(HistoryChecker.CountedOnce, () => _history[_history.FindIndex(one => one is Counted)] = new Counted(Tick(), "a", 2, tokens));

    [Fact]
    public void An_update_of_another_channel_is_found() =>
        Breaks(HistoryChecker.OwnChannel, () => Add(Made("b-stays", "b", "a1", 91, "in_progress", "It is") with { Channel = "a" }));

    [Fact]
    public void An_update_of_a_message_that_the_channel_has_not_is_found() => Breaks(HistoryChecker.OwnChannel, () => Add(Made("b-stays", "b", "a1", 91, "in_progress", "It is")));

    [Fact]
    public void A_message_that_is_being_cancelled_and_has_no_end_is_found() => Breaks(
        HistoryChecker.CancelHeard,
        () => _history.AddRange([Sent("c", "c1"), new Cancelling(Tick(), "c", "c1"), new Cancelled(Tick(), "c", "c1", 202)]),
        HistoryChecker.OneEnd);

    [Fact]
    public void What_Redis_lost_excuses_what_was_under_way_and_nothing_later()
    {
        Good();
        _history.Add(Sent("c", "c1"));
        Tell("c", "c1", 50, "completed", text: "One.");
        Lose();
        Tell("c", "c1", 51, "completed", text: "One!");
        Skip(TimeSpan.FromMinutes(1));
        _history.Add(Sent("c", "c2"));
        Tell("c", "c2", 52, "completed", text: "Two.");
        Tell("c", "c2", 53, "completed", text: "Two!");

        var verdict = HistoryChecker.Check(_history);

        verdict.Violations.ShouldHaveSingleItem().What.ShouldStartWith("c2 has 2 ends");
        verdict.Excused[HistoryChecker.OneEnd].ShouldBe(1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_message_is_at_work_beside_one_whose_turn_Redis_lost_and_beside_no_later_one(bool isLater)
    {
        Good();
        if (!isLater)
        {
            _history.Add(Sent("c", "c1"));
        }

        Lose();
        if (isLater)
        {
            Skip(TimeSpan.FromSeconds(10));
            _history.Add(Sent("c", "c1"));
        }

        Skip(TimeSpan.FromSeconds(10));
        _history.Add(Sent("c", "c2"));
        Tell("c", "c1", 51, "responding");
        Tell("c", "c2", 52, "responding");
        Tell("c", "c1", 53, "in_progress", text: "On");
        Tell("c", "c1", 54, "completed", text: "One.");
        Tell("c", "c2", 55, "completed", text: "Two.");

        FindsOnlyLater(HistoryChecker.OneAtATime, isLater);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_became_of_a_call_may_be_lost_with_the_log_and_not_before_it_began(bool isLater)
    {
        Good();
        _history.AddRange([new Joined(Tick(), "c-stays", "c"), new Joined(Tick(), "c-back", "c"), new Left(Tick(), "c-back", "c"), new Joined(Tick(), "c-back", "c")]);
        if (isLater)
        {
            Lose();
            Skip(TimeSpan.FromSeconds(10));
        }

        _history.Add(Sent("c", "c1"));
        Tell("c", "c1", 51, "processing", callState: "running");
        Add(Made("c-back", "c", "c1", 52, "processing", "", "done"));
        Tell("c", "c1", 53, "completed", text: "One.");
        if (!isLater)
        {
            Skip(TimeSpan.FromSeconds(10));
            Lose();
        }

        FindsOnlyLater(HistoryChecker.SameView, isLater);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_call_may_stay_open_in_a_conversation_that_Redis_lost_meanwhile_and_in_no_later_one(bool isLater)
    {
        Good();
        if (isLater)
        {
            Lose();
            Skip(TimeSpan.FromSeconds(10));
        }

        _history.Add(Sent("c", "c1"));
        if (!isLater)
        {
            Lose();
        }

        Tell("c", "c1", 51, "error", text: "Sorry.");
        _history.AddRange([new Letter(Tick(), "c1", "stalled"), new Conversation(Tick(), "c", "conv-c", [new("user", "Say c1", null), new("call", null, "call-9")])]);

        FindsOnlyLater(HistoryChecker.NoOpenCall, isLater);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Sequences_that_begin_anew_where_Redis_lost_its_data_are_found_unless_a_clock_was_wrong(bool isClockWrong)
    {
        Good();
        _history.Add(Sent("c", "c1"));
        Tell("c", "c1", 50, "responding");
        _history.AddRange([new FaultBegan(Tick(), 1, "redis-failover", Loss.Redis), new FaultEnded(Tick(), 1, 1)]);
        if (isClockWrong)
        {
            _history.AddRange([new FaultBegan(Tick(), 2, "worker-clock", Loss.None), new FaultEnded(Tick(), 2, 1)]);
        }

        Tell("c", "c1", 49, "completed", text: "One.");

        HistoryChecker.Check(_history).Violations.Select(violation => violation.Rule).ShouldBe(isClockWrong ? [] : [HistoryChecker.Growing]);
    }

    [Fact]
    public void A_history_is_the_same_after_it_was_written_and_read()
    {
        Good();

        var read = _history.Select(one => System.Text.Json.JsonSerializer.Deserialize<HistoryEvent>(System.Text.Json.JsonSerializer.Serialize(one, HistoryEvent.Json), HistoryEvent.Json)!).ToList();

        HistoryChecker.Check(read).Looked.ShouldBe(HistoryChecker.Check(_history).Looked);
        read.OfType<Told>().ShouldBe(_history.OfType<Told>());
    }

    private void Lose() => _history.AddRange([new FaultBegan(Tick(), 1, "flush", Loss.Redis), new FaultEnded(Tick(), 1, 1)]);

    /// <summary>This rule alone is broken by what came after Redis had lost its data, and passed over for what was under way then.</summary>
    private void FindsOnlyLater(string rule, bool isLater)
    {
        var verdict = HistoryChecker.Check(_history);

        verdict.Violations.Select(violation => violation.Rule).Distinct().ShouldBe(isLater ? [rule] : []);
        (verdict.Excused[rule] > 0).ShouldBe(!isLater);
    }

    /// <summary>Exactly this rule, and those that cannot but be broken with it.</summary>
    private void Breaks(string rule, Action break_, params string[] alsoBroken)
    {
        Good();
        break_();

        var broken = HistoryChecker.Check(_history).Violations.Select(violation => violation.Rule).Distinct().ToList();

        broken.ShouldContain(rule);
        broken.ShouldBeSubsetOf([rule, .. alsoBroken]);
    }

    /// <summary>Two channels: one with two answers, a call, and a client that leaves and comes back; one with a failure and a message that is cancelled.</summary>
    private void Good()
    {
        _history.AddRange([new Joined(Tick(), "a-stays", "a"), new Joined(Tick(), "a-back", "a"), new Joined(Tick(), "b-stays", "b")]);
        _history.AddRange([Sent("a", "a1"), Sent("a", "a2")]);
        Tell("a", "a1", 1, "started");
        Tell("a", "a1", 2, "processing", callState: "running");
        Tell("a", "a1", 3, "processing", callState: "done");
        Tell("a", "a1", 4, "responding");
        Tell("a", "a1", 5, "in_progress", text: "It is dr");
        _history.AddRange([new Left(Tick(), "a-back", "a")]);
        Tell("a", "a1", 6, "in_progress", text: "It is dry");
        Tell("a", "a1", 7, "completed", text: "It is dry.", tokens: 4);
        Tell("a", "a2", 8, "started");
        Tell("a", "a2", 9, "completed", text: "It is wet.", tokens: 5);
        _history.Add(new Joined(Tick(), "a-back", "a"));
        foreach (var missed in _history.OfType<Told>().Where(told => told is { Client: "a-stays", Sequence: > 5 }).ToList())
        {
            Add(missed with { Client = "a-back", IsCaughtUp = true });
        }

        _history.AddRange([Sent("b", "b1"), Sent("b", "b2")]);
        Tell("b", "b1", 1, "started");
        Tell("b", "b1", 2, "error", text: "Sorry.");
        _history.Add(new Letter(Tick(), "b1", "invalid_request"));
        Tell("b", "b2", 3, "started");
        Tell("b", "b2", 4, "in_progress", text: "One");
        _history.AddRange([new Cancelling(Tick(), "b", "b2"), new Cancelled(Tick(), "b", "b2", 202)]);
        Tell("b", "b2", 5, "cancelled", text: "One");

        _history.Add(new Conversation(Tick(), "a", "conv-a",
        [
            new("user", "Say a1", null), new("call", null, "call-1"), new("output", null, "call-1"), new("assistant", "It is dry.", null), new("user", "Say a2", null), new("assistant", "It is wet.", null),
        ]));
        _history.Add(new Counted(Tick(), "a", 2, 9));
    }

    private long Tick() => _now += 1000;

    private void Skip(TimeSpan time) => _now += (long)time.TotalMicroseconds;

    private Accepted Sent(string channel, string messageId)
    {
        _history.Add(new Publishing(Tick(), channel, messageId, $"Say {messageId}"));
        return new Accepted(Tick(), channel, messageId);
    }

    /// <summary>To all who listen to the channel.</summary>
    private void Tell(string channel, string messageId, long sequence, string status, string text = "", string? callState = null, long? tokens = null)
    {
        var there = _history.OfType<Joined>().Where(joined => joined.Channel == channel).Select(joined => joined.Client)
            .Where(client => _history.Last(one => one is Joined joined && joined.Client == client || one is Left left && left.Client == client) is Joined).Distinct().DefaultIfEmpty($"{channel}-stays");
        foreach (var client in there.ToList())
        {
            Add(Made(client, channel, messageId, sequence, status, text, callState) with { OutputTokens = tokens });
        }
    }

    private Told Made(string client, string channel, string messageId, long sequence, string status, string text, string? callState = null)
    {
        var isFinal = status is "completed" or "error" or "cancelled";
        return new Told(
            Tick(), client, channel, channel, messageId, sequence, status, status is "error" or "cancelled" ? "error" : "response", isFinal, isFinal ? text : null, text.Length, TextHash.Of(text), null,
            callState is null ? null : "call-1", callState, IsCaughtUp: false);
    }

    private void Add(HistoryEvent one) => _history.Add(one);

    private void Replace(Func<Told, bool> which, Func<Told, Told> with)
    {
        foreach (var i in Enumerable.Range(0, _history.Count).Where(i => _history[i] is Told told && which(told)).ToList())
        {
            _history[i] = with((Told)_history[i]);
        }
    }
}
