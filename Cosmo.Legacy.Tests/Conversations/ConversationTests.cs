using Cosmo.Functions.Assistants;
using Cosmo.Functions.Conversations;

namespace Cosmo.Functions.Tests.Conversations;

public sealed class ConversationTests : IAsyncLifetime
{
    private OrchestrationHarness _harness = null!;

    public async ValueTask InitializeAsync() => _harness = await OrchestrationHarness.StartAsync();

    public ValueTask DisposeAsync() => _harness.DisposeAsync();

    [Fact]
    public async Task A_question_needs_three_activities()
    {
        await _harness.BeginAsync();

        (await _harness.EndAsync()).ShouldBe(new ConversationResult("completed", null, 1));
        _harness.Calls.ShouldBe([nameof(GetOrCreateThread), nameof(RunAssistant), nameof(FinishConversation)]);
        _harness.Inputs<FinishInput>(nameof(FinishConversation)).Single().ResponseId.ShouldBe("resp_1");
    }

    [Fact]
    public async Task Tools_run_side_by_side_and_their_outputs_go_to_the_next_round()
    {
        var bothRun = new TaskCompletionSource();
        var running = 0;
        _harness.On<RunInput>(nameof(RunAssistant), input => new RunResult("resp", input.Round == 0 ? OrchestrationHarness.Calling("a", "b") : [], null));
        _harness.OnAsync<ToolInput>(nameof(ExecuteTool), async input =>
        {
            if (Interlocked.Increment(ref running) == 2)
            {
                bothRun.SetResult();
            }

            await bothRun.Task;
            return input.Call.Name + " done";
        });

        await _harness.BeginAsync();

        (await _harness.EndAsync()).ShouldBe(new ConversationResult("completed", null, 2));
        var rounds = _harness.Inputs<RunInput>(nameof(RunAssistant));
        rounds[0].Question.ShouldBe("Weather in Makati?");
        rounds[1].Question.ShouldBeNull();
        rounds[1].ToolOutputs.ShouldBe([new ToolOutput("call_a_0", "a done"), new ToolOutput("call_b_1", "b done")]);
    }

    [Fact]
    public async Task After_eight_rounds_of_tools_the_ninth_is_a_failure()
    {
        _harness.On<RunInput>(nameof(RunAssistant), input => new RunResult("resp", OrchestrationHarness.Calling("again"), null));

        await _harness.BeginAsync();

        (await _harness.EndAsync()).Cause.ShouldBe("tool_rounds");
        _harness.Inputs<ToolInput>(nameof(ExecuteTool)).Count.ShouldBe(8);
        _harness.Calls.ShouldContain(nameof(FailConversation));
    }

    [Fact]
    public async Task No_event_of_the_model_within_45_seconds_ends_the_conversation()
    {
        _harness.OnAsync<RunInput>(nameof(RunAssistant), _ => _harness.UntilStopped());

        await _harness.BeginAsync();
        await WatchedAsync();
        _harness.Clock.Advance(TimeSpan.FromSeconds(44.9));
        _harness.Calls.ShouldNotContain(nameof(FailConversation));
        _harness.Clock.Advance(TimeSpan.FromSeconds(1));

        (await _harness.EndAsync()).Cause.ShouldBe("no_first_response");
        var failure = _harness.Inputs<FailInput>(nameof(FailConversation)).Single().Failure;
        failure.Type.ShouldBe("timeout");
        failure.Sentence.ShouldBe("The assistant is taking too long to respond. Please try again.");
        failure.Details.ShouldBe("No response received from assistant");
        _harness.Inputs<DeadLetterInput>(nameof(WriteDeadLetter)).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_stream_that_is_silent_for_60_seconds_ends_the_conversation()
    {
        _harness.OnAsync<RunInput>(nameof(RunAssistant), _ => _harness.UntilStopped());

        await _harness.BeginAsync();
        await _harness.CalledAsync(nameof(RunAssistant));
        await WatchedAsync();
        _harness.Clock.Advance(TimeSpan.FromSeconds(10));
        await ProgressAsync();
        _harness.Clock.Advance(TimeSpan.FromSeconds(59.9));
        _harness.Calls.ShouldNotContain(nameof(FailConversation));
        _harness.Clock.Advance(TimeSpan.FromSeconds(1));

        (await _harness.EndAsync()).Cause.ShouldBe("stalled");
        var failure = _harness.Inputs<FailInput>(nameof(FailConversation)).Single().Failure;
        failure.Sentence.ShouldBe("The response was interrupted. Please try again.");
        failure.Details.ShouldBe("Response stream interrupted");
    }

    [Fact]
    public async Task An_answer_that_takes_more_than_90_seconds_ends_although_it_streams()
    {
        _harness.OnAsync<RunInput>(nameof(RunAssistant), _ => _harness.UntilStopped());

        await _harness.BeginAsync();
        await WatchedAsync();
        for (var i = 0; i < 5; i++)
        {
            _harness.Clock.Advance(TimeSpan.FromSeconds(15));
            await ProgressAsync();
        }

        _harness.Clock.Advance(TimeSpan.FromSeconds(14.9));
        _harness.Calls.ShouldNotContain(nameof(FailConversation));
        _harness.Clock.Advance(TimeSpan.FromSeconds(1));

        (await _harness.EndAsync()).Cause.ShouldBe("overall");
        var failure = _harness.Inputs<FailInput>(nameof(FailConversation)).Single().Failure;
        failure.Sentence.ShouldBe("The request is taking longer than expected to process. Please try again.");
        failure.Details.ShouldBe("Processing exceeded 90 second timeout limit");
    }

    [Fact]
    public async Task A_thread_that_is_gone_is_replaced_once_and_the_question_asked_again()
    {
        var gone = Failure.From(AssistantFailure.ThreadGone, "gone");
        _harness.On<ThreadInput>(nameof(GetOrCreateThread), input => new ThreadResult(input.ReplacedThreadId is null ? "conv_old" : "conv_new", false, null));
        _harness.On<RunInput>(nameof(RunAssistant), input => input.ThreadId == "conv_old" ? new RunResult(null, [], gone) : new RunResult("resp", [], null));

        await _harness.BeginAsync();

        (await _harness.EndAsync()).Outcome.ShouldBe("completed");
        _harness.Inputs<ThreadInput>(nameof(GetOrCreateThread)).Select(input => input.ReplacedThreadId).ShouldBe([null, "conv_old"]);
        _harness.Inputs<RunInput>(nameof(RunAssistant)).ShouldAllBe(input => input.Question == "Weather in Makati?");
    }

    [Fact]
    public async Task A_new_thread_that_is_gone_too_is_a_failure()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => new RunResult(null, [], Failure.From(AssistantFailure.ThreadGone, "gone")));

        await _harness.BeginAsync();

        (await _harness.EndAsync()).Cause.ShouldBe("thread_gone");
        _harness.Inputs<RunInput>(nameof(RunAssistant)).Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_message_waits_for_its_turn()
    {
        await _harness.BeginAsync(hasTurn: false);
        await WatchedAsync();
        _harness.Calls.ShouldBeEmpty();

        await _harness.Client.RaiseEventAsync(OrchestrationHarness.InstanceId, Conversation.TurnGranted, true, TestContext.Current.CancellationToken);

        (await _harness.EndAsync()).Outcome.ShouldBe("completed");
        _harness.Calls[0].ShouldBe(nameof(CheckTurn));
    }

    [Fact]
    public async Task A_turn_that_nobody_grants_is_asked_for()
    {
        var asked = 0;
        _harness.On<TurnInput>(nameof(CheckTurn), _ => new TurnResult(++asked == 2, null));

        await _harness.BeginAsync(hasTurn: false);
        await WatchedAsync();
        _harness.Clock.Advance(TimeSpan.FromSeconds(1));
        await WatchedAsync();
        _harness.Clock.Advance(TimeSpan.FromSeconds(2));

        (await _harness.EndAsync()).Outcome.ShouldBe("completed");
        asked.ShouldBe(2);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_cancelled_message_is_told_and_is_no_dead_letter(bool hasTurn)
    {
        _harness.OnAsync<RunInput>(nameof(RunAssistant), _ => _harness.UntilStopped());

        await _harness.BeginAsync(hasTurn);
        await WatchedAsync();
        await _harness.Client.RaiseEventAsync(OrchestrationHarness.InstanceId, Conversation.CancelRequested, true, TestContext.Current.CancellationToken);

        (await _harness.EndAsync()).Cause.ShouldBe("cancelled");
        _harness.Calls.ShouldContain(nameof(FailConversation));
        _harness.Calls.ShouldNotContain(nameof(WriteDeadLetter));
    }

    [Fact]
    public async Task Work_that_is_late_is_told_to_stop_and_its_end_awaited_before_the_client_is_told()
    {
        _harness.OnAsync<RunInput>(nameof(RunAssistant), _ => _harness.UntilStopped());

        await _harness.BeginAsync();
        await _harness.CalledAsync(nameof(RunAssistant));
        _harness.Clock.Advance(TimeSpan.FromSeconds(46));

        (await _harness.EndAsync()).Cause.ShouldBe("no_first_response");
        _harness.Calls.ShouldBe([nameof(GetOrCreateThread), nameof(RunAssistant), nameof(StopWork), nameof(FailConversation), nameof(WriteDeadLetter)]);
    }

    [Fact]
    public async Task Work_that_does_not_heed_the_stop_is_waited_for_two_seconds()
    {
        var never = new TaskCompletionSource<object?>();
        _harness.OnAsync<RunInput>(nameof(RunAssistant), _ => never.Task);

        await _harness.BeginAsync();
        await _harness.CalledAsync(nameof(RunAssistant));
        _harness.Clock.Advance(TimeSpan.FromSeconds(45));
        await _harness.Clock.TimerSetForAsync(TimeSpan.FromSeconds(2)).WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        _harness.Calls.ShouldNotContain(nameof(FailConversation));
        _harness.Clock.Advance(TimeSpan.FromSeconds(2));
        await _harness.CalledAsync(nameof(WriteDeadLetter));

        // An orchestration does not end before its activities have.
        never.SetResult(null);
        (await _harness.EndAsync()).Cause.ShouldBe("no_first_response");
    }

    [Fact]
    public async Task Work_that_kept_its_own_deadline_first_is_an_overall_time_out_all_the_same()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => new RunResult(null, [], Failure.Stopped));

        await _harness.BeginAsync();

        (await _harness.EndAsync()).Cause.ShouldBe("overall");
        _harness.Inputs<FailInput>(nameof(FailConversation)).Single().Failure.Details.ShouldBe("Processing exceeded 90 second timeout limit");
    }

    [Fact]
    public async Task Work_that_another_worker_cancelled_ends_as_cancelled()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => new RunResult(null, [], Failure.Cancelled));

        await _harness.BeginAsync();

        (await _harness.EndAsync()).Cause.ShouldBe("cancelled");
        _harness.Calls.ShouldNotContain(nameof(WriteDeadLetter));
    }

    [Fact]
    public async Task A_message_that_is_cancelled_between_two_rounds_asks_the_model_no_more()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => new RunResult("resp", OrchestrationHarness.Calling("a"), null));
        _harness.OnAsync<ToolInput>(nameof(ExecuteTool), async _ =>
        {
            await _harness.Client.RaiseEventAsync(OrchestrationHarness.InstanceId, Conversation.CancelRequested, true, TestContext.Current.CancellationToken);
            return "done";
        });

        await _harness.BeginAsync();

        (await _harness.EndAsync()).Cause.ShouldBe("cancelled");
        _harness.Inputs<RunInput>(nameof(RunAssistant)).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_message_that_waits_while_Redis_is_away_is_told_so()
    {
        _harness.On<TurnInput>(nameof(CheckTurn), _ => new TurnResult(false, Failure.Redis("Redis did not answer")));

        await _harness.BeginAsync(hasTurn: false);
        await WatchedAsync();
        _harness.Clock.Advance(TimeSpan.FromSeconds(1));

        (await _harness.EndAsync()).Cause.ShouldBe("redis");
        _harness.Inputs<DeadLetterInput>(nameof(WriteDeadLetter)).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_second_round_has_the_time_between_two_events_and_not_that_to_the_first()
    {
        _harness.OnAsync<RunInput>(nameof(RunAssistant), async input => input.Round == 0 ? new RunResult("resp", OrchestrationHarness.Calling("a"), null) : await _harness.UntilStopped());

        await _harness.BeginAsync();
        await _harness.CalledAsync(nameof(RunAssistant), count: 2);
        _harness.Clock.Advance(TimeSpan.FromSeconds(50));
        _harness.Calls.ShouldNotContain(nameof(StopWork));
        _harness.Clock.Advance(TimeSpan.FromSeconds(11));

        (await _harness.EndAsync()).Cause.ShouldBe("stalled");
    }

    [Fact]
    public async Task A_message_that_another_orchestration_has_ends_silently()
    {
        _harness.On<ThreadInput>(nameof(GetOrCreateThread), _ => new ThreadResult(null, Duplicate: true, null));

        await _harness.BeginAsync();

        (await _harness.EndAsync()).Outcome.ShouldBe("duplicate");
        _harness.Calls.ShouldBe([nameof(GetOrCreateThread)]);
    }

    [Fact]
    public async Task An_activity_that_throws_ends_the_conversation_and_not_the_orchestration()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => throw new InvalidOperationException("broken"));

        await _harness.BeginAsync();

        (await _harness.EndAsync()).Cause.ShouldBe("unexpected");
        _harness.Inputs<FailInput>(nameof(FailConversation)).Single().Failure.Details.ShouldContain("broken");
        _harness.Inputs<DeadLetterInput>(nameof(WriteDeadLetter)).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_dead_letter_is_kept_until_the_broker_is_back()
    {
        await using var harness = await OrchestrationHarness.StartAsync(skipUpTo: TimeSpan.FromSeconds(31));
        var tries = 0;
        harness.On<RunInput>(nameof(RunAssistant), _ => new RunResult(null, [], Failure.From(AssistantFailure.Other, "failed")));
        harness.On<DeadLetterInput>(nameof(WriteDeadLetter), _ => ++tries < 6 ? throw new IOException("The broker is away.") : null);

        await harness.BeginAsync();

        (await harness.EndAsync()).Cause.ShouldBe("assistant");
        tries.ShouldBe(6);
    }

    /// <summary>Waits until the orchestration waits for the clock.</summary>
    private Task WatchedAsync() => _harness.Clock.TimersSetAsync().WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

    /// <summary>Tells of an event of the model now.</summary>
    private Task ProgressAsync() => _harness.Client.RaiseEventAsync(
        OrchestrationHarness.InstanceId, Conversation.ModelProgress, _harness.Clock.GetUtcNow(), TestContext.Current.CancellationToken);
}
