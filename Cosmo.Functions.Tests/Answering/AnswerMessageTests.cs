using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.Approvals;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Tests.Orchestrations;
using Microsoft.DurableTask.Converters;

namespace Cosmo.Functions.Tests.Answering;

public sealed class AnswerMessageTests
{
    private readonly AnswerHarness _harness = new();
    private readonly DateTimeOffset _begun;

    public AnswerMessageTests() => _begun = _harness.Now;

    [Fact]
    public void A_question_needs_one_activity_and_one_timer()
    {
        _harness.Begin();

        _harness.End().ShouldBe(new AnswerResult("completed", null, 1));
        _harness.Calls.ShouldBe([nameof(RunAssistant)]);
        _harness.History.Count(happened => happened.TimerCreated is not null).ShouldBe(1);
    }

    [Fact]
    public void Messages_that_are_asked_together_need_no_more_activities_and_go_with_every_round()
    {
        AnswerPaths.All["merged"](_harness);

        _harness.End().ShouldBe(new AnswerResult("completed", null, 2));
        _harness.Calls.ShouldBe([nameof(RunAssistant), nameof(ExecuteTool), nameof(RunAssistant), nameof(SendReply)]);
        _harness.Inputs<RunInput>(nameof(RunAssistant)).Select(input => input.Merged?.Count).ShouldBe([null, 2]);
        _harness.Inputs<ReplyInput>(nameof(SendReply)).ShouldHaveSingleItem().Address.MessageId.ShouldBe("msg-3");
    }

    [Fact]
    public void Where_messages_are_merged_one_alone_costs_no_more_also_when_it_fails()
    {
        AnswerPaths.All["nothing-to-merge"](_harness);

        _harness.End().Cause.ShouldBe("rate_limit");
        _harness.Calls.ShouldBe([nameof(RunAssistant), nameof(FailAnswer), nameof(WriteDeadLetter)]);
    }

    [Theory]
    [InlineData("merged-and-failed", "rate_limit", true)]
    [InlineData("merged-and-every-worker-died", "unexpected", false)]
    public void Messages_that_were_asked_together_are_each_kept_when_they_are_not_answered(string path, string cause, bool isKnown)
    {
        AnswerPaths.All[path](_harness);

        _harness.End().Cause.ShouldBe(cause);
        _harness.Inputs<FailInput>(nameof(FailAnswer))[0].ShouldSatisfyAllConditions(input => input.MayHaveMerged.ShouldBeTrue(), input => input.Merged?.Count.ShouldBe(2), input => (input.Merged is not null).ShouldBe(isKnown));
        _harness.Inputs<DeadLetterInput>(nameof(WriteDeadLetter)).Select(letter => (letter.Address.MessageId, letter.Failure.Cause, letter.Question)).ShouldBe(
            [("msg-1", cause, "Weather in Makati?"), ("msg-2", cause, "And in Cebu?"), ("msg-3", cause, "And in Davao?")], ignoreOrder: true);
        _harness.Inputs<ReplyInput>(nameof(SendReply)).ShouldHaveSingleItem().Address.MessageId.ShouldBe("msg-3");
    }

    [Fact]
    public void Messages_that_were_asked_together_are_not_kept_when_they_are_cancelled()
    {
        AnswerPaths.All["merged-and-cancelled"](_harness);

        _harness.End().Cause.ShouldBe("cancelled");
        _harness.Calls.ShouldBe([nameof(RunAssistant), nameof(StopWork), nameof(FailAnswer), nameof(EndMerged), nameof(SendReply)]);
    }

    [Fact]
    public void What_was_asked_together_with_a_message_that_had_its_end_elsewhere_has_its_own()
    {
        AnswerPaths.All["merged-and-over-elsewhere"](_harness);

        _harness.End().Outcome.ShouldBe("duplicate");
        var letters = _harness.Inputs<DeadLetterInput>(nameof(WriteDeadLetter));
        letters.Select(letter => letter.Address.MessageId).ShouldBe(["msg-2", "msg-3"]);
        letters.ShouldAllBe(letter => letter.Failure.Reason == "The message that it was asked together with had its end elsewhere");
    }

    [Fact]
    public void A_message_that_is_asked_together_with_another_ends_in_silence()
    {
        AnswerPaths.All["merged-into-another"](_harness);

        _harness.End().Outcome.ShouldBe("duplicate");
        _harness.Calls.ShouldBe([nameof(RunAssistant)]);
    }

    [Fact]
    public void An_answer_that_was_told_before_it_was_stopped_is_that_of_all_that_were_asked_together()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => _harness.UntilStopped);
        _harness.On<FailInput>(nameof(FailAnswer), _ => true);
        _harness.On<EndMergedInput>(nameof(EndMerged), _ => AnswerPaths.Others.Select(message => new EndedMerged(message, IsKept: false)));
        _harness.Begin(merges: true);

        _harness.End().Outcome.ShouldBe("completed");
        _harness.Calls.ShouldNotContain(nameof(WriteDeadLetter));
        _harness.Calls.ShouldContain(nameof(EndMerged));
    }

    [Fact]
    public void What_Redis_forgot_to_have_been_merged_has_its_own_end_and_letter_beside_an_answer()
    {
        var call = new OpenCall();
        _harness.On<RunInput>(nameof(RunAssistant), _ => call);
        _harness.Begin(merges: true);
        _harness.Raise(AnswerMessage.MessagesMerged, AnswerPaths.Others);
        call.End(new RunResult([], null, "conv_1") { Merged = [AnswerPaths.Others[0]] });

        _harness.End().Outcome.ShouldBe("completed");
        _harness.Inputs<EndMergedInput>(nameof(EndMerged)).ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            input => input.IsWithoutThem.ShouldBeTrue(), input => input.Merged!.Select(message => message.Address.MessageId).ShouldBe(["msg-3"]));
        _harness.Inputs<DeadLetterInput>(nameof(WriteDeadLetter)).ShouldHaveSingleItem().Address.MessageId.ShouldBe("msg-3");
        _harness.Inputs<ReplyInput>(nameof(SendReply)).ShouldHaveSingleItem().Address.MessageId.ShouldBe("msg-3");
    }

    [Fact]
    public void What_Redis_forgot_to_have_been_merged_ends_with_what_it_knows_of_when_the_answer_fails()
    {
        var call = new OpenCall();
        _harness.On<RunInput>(nameof(RunAssistant), _ => call);
        _harness.Begin(merges: true);
        _harness.Raise(AnswerMessage.MessagesMerged, AnswerPaths.Others);
        call.End(new RunResult([], Failure.From(AssistantFailure.RateLimit, "429")) { Merged = [AnswerPaths.Others[0]] });

        _harness.End().Cause.ShouldBe("rate_limit");
        _harness.Inputs<EndMergedInput>(nameof(EndMerged)).ShouldHaveSingleItem().Merged!.Select(message => message.Address.MessageId).ShouldBe(["msg-2", "msg-3"]);
        _harness.Inputs<DeadLetterInput>(nameof(WriteDeadLetter)).Select(letter => letter.Address.MessageId).ShouldBe(["msg-1", "msg-2", "msg-3"], ignoreOrder: true);
    }

    [Fact]
    public void What_Redis_forgot_to_have_been_merged_into_a_message_that_had_its_end_elsewhere_has_its_own()
    {
        var call = new OpenCall();
        _harness.On<RunInput>(nameof(RunAssistant), _ => call);
        _harness.Begin(merges: true);
        _harness.Raise(AnswerMessage.MessagesMerged, AnswerPaths.Others);
        call.End(new RunResult([], Failure.Over) { Merged = [] });

        _harness.End().Outcome.ShouldBe("duplicate");
        _harness.Inputs<DeadLetterInput>(nameof(WriteDeadLetter)).Select(letter => letter.Address.MessageId).ShouldBe(["msg-2", "msg-3"]);
    }

    [Fact]
    public void What_Redis_forgot_to_have_been_merged_ends_as_the_answer_that_failed()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => _harness.UntilStopped);
        _harness.Begin(merges: true);
        _harness.Raise(AnswerMessage.MessagesMerged, AnswerPaths.Others);
        _harness.Cancel();

        _harness.End().Cause.ShouldBe("cancelled");
        _harness.Inputs<FailInput>(nameof(FailAnswer))[0].Merged!.Select(message => message.Address.MessageId).ShouldBe(["msg-2", "msg-3"]);
        _harness.Inputs<EndMergedInput>(nameof(EndMerged)).ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            input => input.IsWithoutThem.ShouldBeFalse(), input => input.Merged!.Select(message => message.Address.MessageId).ShouldBe(["msg-2", "msg-3"]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public void A_call_waits_for_a_person_for_as_long_as_its_message_was_given(int minutes)
    {
        _harness.On<RunInput>(nameof(RunAssistant), input => new RunResult(
            input.Round == 0 ? [new ToolCall("call_1", "get_user_role", "{}") { NeedsApproval = true }] : [], null, "conv_1"));
        _harness.Begin(approvalTime: TimeSpan.FromMinutes(minutes));

        _harness.End().Outcome.ShouldBe("completed");
        _harness.Times(nameof(EndApproval)).ShouldBe([_begun.AddMinutes(minutes)]);
        _harness.Inputs<ApprovalInput>(nameof(AskApproval)).ShouldHaveSingleItem().ExpiresAt.ShouldBe(_begun.AddMinutes(minutes));
    }

    [Fact]
    public void A_message_that_takes_another_s_place_costs_no_more_activities()
    {
        _harness.Begin(replaces: "msg-0");

        _harness.End().Outcome.ShouldBe("completed");
        _harness.Calls.ShouldBe([nameof(RunAssistant)]);
        _harness.Inputs<RunInput>(nameof(RunAssistant))[0].Replaces.ShouldBe("msg-0");
    }

    [Fact]
    public void What_was_asked_together_is_known_from_the_first_round_alone()
    {
        _harness.On<RunInput>(
            nameof(RunAssistant), input => input.Round == 0 ? AnswerPaths.Merged(AnswerHarness.Calling("get_weather"), null) : new RunResult([], null, "conv_1"));
        _harness.Begin(merges: true);

        _harness.End().Outcome.ShouldBe("completed");
        _harness.Inputs<ReplyInput>(nameof(SendReply)).ShouldHaveSingleItem().Address.MessageId.ShouldBe("msg-3");
    }

    [Fact]
    public void The_dead_letter_of_a_message_that_takes_another_s_place_says_so()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => new RunResult([], Failure.From(AssistantFailure.Other, "failed")));
        _harness.Begin(replaces: "msg-0");

        _harness.End().Outcome.ShouldBe("failed");
        _harness.Inputs<DeadLetterInput>(nameof(WriteDeadLetter)).ShouldHaveSingleItem().Replaces.ShouldBe("msg-0");
    }

    [Fact]
    public void The_status_says_what_an_answer_is_at()
    {
        var (run, tool) = (new OpenCall(), new OpenCall());
        _harness.On<RunInput>(nameof(RunAssistant), input => input.Round == 0 ? run : _harness.UntilStopped);
        _harness.On<ToolInput>(nameof(ExecuteTool), _ => tool);

        _harness.Begin();
        StatusOf(_harness).ShouldBe(new AnswerStatus("responding", 0, null));
        End(run, new RunResult(AnswerHarness.Calling("get_weather"), null, "conv_1"));
        StatusOf(_harness).ShouldBe(new AnswerStatus("executing tools", 0, "conv_1"));
        End(tool, "It rains.");
        StatusOf(_harness).ShouldBe(new AnswerStatus("responding", 1, "conv_1"));
        _harness.Cancel();
        _harness.End();
        StatusOf(_harness).ShouldBe(new AnswerStatus("failing: cancelled", 1, "conv_1"));

        var single = new AnswerHarness();
        single.Begin();
        single.End();
        StatusOf(single).ShouldBe(new AnswerStatus("responding", 0, "conv_1"));

        void End(OpenCall call, object answer)
        {
            call.End(answer);
            _harness.Run();
        }
    }

    [Fact]
    public void Tools_run_side_by_side_and_their_outputs_go_to_the_next_round()
    {
        var tools = new Dictionary<string, OpenCall> { ["a"] = new(), ["b"] = new() };
        _harness.On<RunInput>(nameof(RunAssistant), input => new RunResult(input.Round == 0 ? AnswerHarness.Calling("a", "b") : [], null));
        _harness.On<ToolInput>(nameof(ExecuteTool), input => tools[input.Call.Name]);

        _harness.Begin();
        _harness.Inputs<ToolInput>(nameof(ExecuteTool)).Count.ShouldBe(2);
        tools["b"].End("b done");
        tools["a"].End("a done");

        _harness.End().ShouldBe(new AnswerResult("completed", null, 2));
        var rounds = _harness.Inputs<RunInput>(nameof(RunAssistant));
        rounds[0].Question.ShouldBe("Weather in Makati?");
        rounds[1].Question.ShouldBeNull();
        rounds[1].ToolOutputs.ShouldBe([new ToolOutput("call_a_0", "a done"), new ToolOutput("call_b_1", "b done")]);
    }

    [Fact]
    public void A_call_that_waits_for_a_person_is_made_when_somebody_says_yes_and_the_clocks_stand_still()
    {
        AnswerPaths.AskForApproval(_harness);
        _harness.Begin();
        _harness.Advance(TimeSpan.FromMinutes(9));
        _harness.Inputs<ToolInput>(nameof(ExecuteTool)).Select(input => (input.Call.Name, input.IsApproved)).ShouldBe([("get_weather", false)]);
        _harness.Calls.Count(call => call == nameof(CheckApproval)).ShouldBe(1);

        _harness.Decide("call_get_user_role_1", approved: true);

        _harness.End().ShouldBe(new AnswerResult("completed", null, 2));
        var approved = _harness.Inputs<ToolInput>(nameof(ExecuteTool))[^1];
        (approved.Call.Name, approved.Call.Arguments, approved.IsApproved).ShouldBe(("get_user_role", "{}", true));
        (approved.StopAt - _harness.Now).ShouldBe(TimeSpan.FromSeconds(90));
        _harness.Inputs<RunInput>(nameof(RunAssistant))[1].ToolOutputs.Select(output => output.Output).ShouldBe(["output of get_weather", "output of get_user_role"]);
    }

    [Fact]
    public void A_call_that_a_person_refuses_or_nobody_approves_is_not_made_and_the_model_is_told()
    {
        AnswerPaths.AskForApproval(_harness);
        _harness.Begin();
        _harness.Decide("call_get_user_role_1", approved: false, "Not \"today\".");

        _harness.End().Outcome.ShouldBe("completed");
        OutputOf(_harness).ShouldBe("""{"error":"A person refused this, so it was not carried out. Tell the user so.","reason":"Not \u0022today\u0022."}""");

        var silent = new AnswerHarness();
        AnswerPaths.AskForApproval(silent);
        silent.Begin();
        silent.Advance(TimeSpan.FromMinutes(10));

        silent.End().Outcome.ShouldBe("completed");
        OutputOf(silent).ShouldBe("""{"error":"Nobody approved this in time, so it was not carried out. Tell the user so."}""");

        static string OutputOf(AnswerHarness harness)
        {
            harness.Inputs<ToolInput>(nameof(ExecuteTool)).ShouldHaveSingleItem().Call.Name.ShouldBe("get_weather");
            return harness.Inputs<RunInput>(nameof(RunAssistant))[1].ToolOutputs[1].Output;
        }
    }

    [Fact]
    public void A_decision_counts_that_is_kept_although_its_event_was_lost()
    {
        AnswerPaths.AskForApproval(_harness);
        _harness.On<ApprovalInput>(nameof(CheckApproval), _ => new ApprovalDecision(true, null, "backend:ana"));
        _harness.Begin();

        _harness.Advance(ApprovalWait.Round);

        _harness.End().Outcome.ShouldBe("completed");
        _harness.Inputs<ToolInput>(nameof(ExecuteTool))[^1].IsApproved.ShouldBeTrue();
    }

    [Fact]
    public void A_decision_on_one_call_does_not_put_off_that_the_turn_is_kept_for_the_others()
    {
        _harness.On<RunInput>(nameof(RunAssistant), input => new RunResult(
            input.Round == 0 ? [.. AnswerHarness.Calling("get_user_role", "get_user_role").Select(call => call with { NeedsApproval = true })] : [], null));
        _harness.On<ToolInput>(nameof(ExecuteTool), _ => "done");
        _harness.Begin();
        _harness.Advance(ApprovalWait.Round - TimeSpan.FromSeconds(1));
        _harness.Decide("call_get_user_role_0", approved: true);

        _harness.Advance(TimeSpan.FromSeconds(1));

        _harness.Inputs<ApprovalInput>(nameof(CheckApproval)).ShouldHaveSingleItem().Call.CallId.ShouldBe("call_get_user_role_1");
    }

    [Fact]
    public void A_call_that_is_approved_is_not_made_where_the_message_is_cancelled_meanwhile()
    {
        AnswerPaths.AskForApproval(_harness);
        _harness.On<ApprovalInput>(nameof(EndApproval), _ => new ApprovalDecision(true, null, "backend:ana"));
        _harness.Begin();

        _harness.Cancel();

        _harness.End().Cause.ShouldBe("cancelled");
        _harness.Inputs<ToolInput>(nameof(ExecuteTool)).ShouldHaveSingleItem().Call.Name.ShouldBe("get_weather");
    }

    [Fact]
    public void Where_nobody_can_be_asked_about_a_call_those_that_run_are_stopped()
    {
        var running = new OpenCall();
        AnswerPaths.AskForApproval(_harness);
        _harness.On<ToolInput>(nameof(ExecuteTool), _ => running);
        _harness.On<StopInput>(nameof(StopWork), _ =>
        {
            running.End("The tool was stopped before it had a result.");
            return null;
        });
        _harness.Before(nameof(AskApproval), () => new IOException("Redis is away."));
        _harness.Begin();

        _harness.End().Cause.ShouldBe("unexpected");
        _harness.Calls.ShouldContain(nameof(StopWork));
    }

    [Fact]
    public void What_waits_for_a_person_can_be_cancelled()
    {
        AnswerPaths.AskForApproval(_harness);
        _harness.Begin();
        _harness.Advance(TimeSpan.FromMinutes(3));
        StatusOf(_harness)!.Phase.ShouldBe("awaiting approval");

        _harness.Cancel();

        _harness.End().Cause.ShouldBe("cancelled");
        _harness.Calls.ShouldContain(nameof(EndApproval));
        _harness.Inputs<ToolInput>(nameof(ExecuteTool)).ShouldHaveSingleItem();
        _harness.Inputs<RunInput>(nameof(RunAssistant)).ShouldHaveSingleItem();
    }

    [Fact]
    public void After_eight_rounds_of_tools_the_ninth_is_a_failure()
    {
        _harness.On<RunInput>(nameof(RunAssistant), input => new RunResult(AnswerHarness.Calling("again"), null));

        _harness.Begin();

        _harness.End().Cause.ShouldBe("tool_rounds");
        _harness.Inputs<ToolInput>(nameof(ExecuteTool)).Count.ShouldBe(8);
        _harness.Calls.ShouldContain(nameof(FailAnswer));
    }

    [Fact]
    public void No_event_of_the_model_within_45_seconds_ends_the_conversation()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => _harness.UntilStopped);

        _harness.Begin();
        _harness.Advance(TimeSpan.FromSeconds(44.9));
        _harness.Calls.ShouldNotContain(nameof(FailAnswer));
        _harness.Advance(TimeSpan.FromSeconds(1));

        _harness.End().Cause.ShouldBe("no_first_response");
        var failure = _harness.Inputs<FailInput>(nameof(FailAnswer)).Single().Failure;
        failure.Type.ShouldBe("timeout");
        failure.Sentence.ShouldBe("The assistant is taking too long to respond. Please try again.");
        failure.Details.ShouldBe("No response received from assistant");
        _harness.Inputs<DeadLetterInput>(nameof(WriteDeadLetter)).ShouldHaveSingleItem();
    }

    [Fact]
    public void A_stream_that_is_silent_for_60_seconds_ends_the_conversation()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => _harness.UntilStopped);

        _harness.Begin();
        _harness.Advance(TimeSpan.FromSeconds(10));
        _harness.Progress();
        _harness.Advance(TimeSpan.FromSeconds(59.9));
        _harness.Calls.ShouldNotContain(nameof(FailAnswer));
        _harness.Advance(TimeSpan.FromSeconds(1));

        _harness.End().Cause.ShouldBe("stalled");
        var failure = _harness.Inputs<FailInput>(nameof(FailAnswer)).Single().Failure;
        failure.Sentence.ShouldBe("The response was interrupted. Please try again.");
        failure.Details.ShouldBe("Response stream interrupted");
    }

    [Fact]
    public void Silence_is_counted_from_the_last_event_and_not_from_the_heartbeat_that_tells_of_it()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => _harness.UntilStopped);

        _harness.Begin();
        _harness.Advance(TimeSpan.FromSeconds(20));
        _harness.Progress(ago: TimeSpan.FromSeconds(14));
        _harness.Advance(TimeSpan.FromSeconds(45.9));
        _harness.Calls.ShouldNotContain(nameof(FailAnswer));
        _harness.Advance(TimeSpan.FromSeconds(1));
        _harness.Calls.ShouldContain(nameof(FailAnswer));

        _harness.End().Cause.ShouldBe("stalled");
    }

    [Fact]
    public void An_answer_that_takes_more_than_90_seconds_ends_although_it_streams()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => _harness.UntilStopped);

        _harness.Begin();
        for (var i = 0; i < 5; i++)
        {
            _harness.Advance(TimeSpan.FromSeconds(15));
            _harness.Progress();
        }

        _harness.Advance(TimeSpan.FromSeconds(14.9));
        _harness.Calls.ShouldNotContain(nameof(FailAnswer));
        _harness.Advance(TimeSpan.FromSeconds(1));

        _harness.End().Cause.ShouldBe("overall");
        var failure = _harness.Inputs<FailInput>(nameof(FailAnswer)).Single().Failure;
        failure.Sentence.ShouldBe("The request is taking longer than expected to process. Please try again.");
        failure.Details.ShouldBe("Processing exceeded 90 second timeout limit");
    }

    [Fact]
    public void An_answer_ends_at_once_and_waits_for_no_timer_of_a_deadline()
    {
        var run = new OpenCall();
        _harness.On<RunInput>(nameof(RunAssistant), _ => run);

        // The second deadline comes before the first: two timers are set.
        _harness.Begin(options: new() { FirstEventSeconds = 80, StallSeconds = 20 });
        _harness.Advance(TimeSpan.FromSeconds(1));
        _harness.Progress();
        _harness.Advance(TimeSpan.FromSeconds(1));
        run.End(new RunResult([], null));
        _harness.Run();

        _harness.HasEnded.ShouldBeTrue();
        _harness.History.Count(happened => happened.TimerCreated is not null).ShouldBe(2);
    }

    [Fact]
    public void A_stream_that_is_silent_ends_in_time_also_where_the_model_may_take_longer_to_begin()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => _harness.UntilStopped);

        _harness.Begin(options: new() { FirstEventSeconds = 80, StallSeconds = 20 });
        _harness.Advance(TimeSpan.FromSeconds(5));
        _harness.Progress();
        _harness.Advance(TimeSpan.FromSeconds(19.9));
        _harness.Calls.ShouldNotContain(nameof(FailAnswer));
        _harness.Advance(TimeSpan.FromSeconds(0.1));

        _harness.End().Cause.ShouldBe("stalled");
        _harness.Times(nameof(StopWork)).ShouldHaveSingleItem().ShouldBe(_begun + TimeSpan.FromSeconds(25));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_thread_of_a_first_round_that_failed_or_was_stopped_is_known_to_its_end(bool isStopped)
    {
        var call = new OpenCall();
        _harness.On<RunInput>(nameof(RunAssistant), _ => call);
        _harness.On<StopInput>(nameof(StopWork), _ =>
        {
            call.End(new RunResult([], Failure.Stopped, "conv_1"));
            return null;
        });
        _harness.Begin();
        if (isStopped)
        {
            _harness.Advance(TimeSpan.FromSeconds(60));
        }
        else
        {
            call.End(new RunResult([], Failure.From(AssistantFailure.RateLimit, "429"), "conv_1"));
        }

        _harness.End().Outcome.ShouldBe("failed");
        _harness.Inputs<FailInput>(nameof(FailAnswer)).ShouldHaveSingleItem().ThreadId.ShouldBe("conv_1");
    }

    [Fact]
    public void An_event_that_is_told_of_late_takes_nothing_from_the_time_of_a_later_one()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => _harness.UntilStopped);

        _harness.Begin();
        _harness.Advance(TimeSpan.FromSeconds(20));
        _harness.Progress();
        _harness.Progress(ago: TimeSpan.FromSeconds(14));
        _harness.End().Cause.ShouldBe("stalled");

        _harness.Times(nameof(StopWork)).ShouldHaveSingleItem().ShouldBe(_begun + TimeSpan.FromSeconds(80));
    }

    [Fact]
    public void Each_event_is_heard_of_also_after_a_timer_that_came_for_nothing()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => _harness.UntilStopped);

        _harness.Begin();
        _harness.Advance(TimeSpan.FromSeconds(10));
        _harness.Progress();
        _harness.Advance(TimeSpan.FromSeconds(40));
        _harness.Progress();

        // Not at 70 seconds, 60 after the first.
        _harness.End().Cause.ShouldBe("overall");
    }

    [Fact]
    public void Silence_is_counted_anew_for_each_round()
    {
        _harness.On<RunInput>(nameof(RunAssistant), input => input.Round == 0 ? new RunResult(AnswerHarness.Calling("a"), null) : _harness.UntilStopped);
        _harness.On<ToolInput>(nameof(ExecuteTool), _ => new Later(TimeSpan.FromSeconds(20), "done"));

        _harness.Begin();
        _harness.End().Cause.ShouldBe("stalled");

        _harness.Times(nameof(StopWork)).ShouldHaveSingleItem().ShouldBe(_begun + TimeSpan.FromSeconds(80));
        _harness.Inputs<RunInput>(nameof(RunAssistant))[1].RetryUntil.ShouldBe(_begun + TimeSpan.FromSeconds(60));
    }

    [Fact]
    public void What_falls_due_together_with_the_whole_answer_is_told_as_the_whole_answer_s()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => _harness.UntilStopped);

        _harness.Begin();
        _harness.Advance(TimeSpan.FromSeconds(30));
        _harness.Progress();

        _harness.End().Cause.ShouldBe("overall");
    }

    [Fact]
    public void Work_that_is_done_in_the_very_moment_of_its_deadline_is_done()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => new Later(TimeSpan.FromSeconds(70), new RunResult([], null)));

        _harness.Begin();
        _harness.Advance(TimeSpan.FromSeconds(10));
        _harness.Progress();

        _harness.End().Outcome.ShouldBe("completed");
    }

    [Fact]
    public void The_first_round_finds_the_thread_and_the_others_stay_in_it()
    {
        _harness.On<RunInput>(nameof(RunAssistant), input => new RunResult(input.Round == 0 ? AnswerHarness.Calling("a") : [], null, "conv_1"));

        _harness.Begin();

        _harness.End().Outcome.ShouldBe("completed");
        _harness.Inputs<RunInput>(nameof(RunAssistant)).Select(input => input.ThreadId).ShouldBe([null, "conv_1"]);
        _harness.Inputs<ToolInput>(nameof(ExecuteTool)).Single().ThreadId.ShouldBe("conv_1");
        _harness.CustomStatus.ShouldNotBeNull().ShouldContain("conv_1");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Only_of_a_message_that_had_its_turn_anything_may_be_left_in_the_thread(bool hasTurn)
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => _harness.UntilStopped);
        _harness.On<TurnInput>(nameof(CheckTurn), _ => new TurnResult(false, null));

        _harness.Begin(hasTurn);
        _harness.Cancel();
        _harness.End();

        _harness.Inputs<FailInput>(nameof(FailAnswer)).Single().HasBegun.ShouldBe(hasTurn);
    }

    [Fact]
    public void A_message_waits_for_its_turn()
    {
        _harness.Begin(hasTurn: false);
        _harness.Calls.ShouldBeEmpty();

        _harness.Raise(AnswerMessage.TurnGranted, true);

        _harness.End().Outcome.ShouldBe("completed");
        _harness.Calls.ShouldBe([nameof(RunAssistant)]);
    }

    [Theory]
    [InlineData(true, 2, "conv_1")]
    [InlineData(false, 0, null)]
    public void A_message_whose_orchestration_failed_as_a_whole_is_not_asked_again_but_ends_when_its_turn_comes(bool hadBegun, int round, string? threadId)
    {
        _harness.Begin(hasTurn: false, abandoned: new AbandonedAnswer("It failed", hadBegun ? new AnswerStatus("executing tools", 2, "conv_1") : null));
        _harness.Calls.ShouldBeEmpty();

        _harness.End().ShouldBe(new AnswerResult("failed", "unexpected", round + 1));
        _harness.Calls.ShouldBe([nameof(CheckTurn), .. hadBegun ? [nameof(StopWork)] : Array.Empty<string>(), nameof(FailAnswer), nameof(WriteDeadLetter)]);
        _harness.Inputs<FailInput>(nameof(FailAnswer)).ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            input => input.HasBegun.ShouldBe(hadBegun), input => input.Round.ShouldBe(round), input => input.ThreadId.ShouldBe(threadId), input => input.Failure.Reason.ShouldBe("It failed"));
    }

    [Theory]
    [InlineData("completed", "completed", null, new string[0])]
    [InlineData("cancelled", "failed", "cancelled", new string[0])]
    [InlineData("error", "failed", "unexpected", new[] { nameof(WriteDeadLetter) })]
    [InlineData("", "failed", "unexpected", new[] { nameof(WriteDeadLetter) })]
    public void A_message_whose_orchestration_failed_as_a_whole_behind_its_end_waits_for_no_turn_and_is_kept_where_it_was_not_answered(string end, string outcome, string? cause, string[] kept)
    {
        _harness.Begin(hasTurn: false, AnswerPaths.Replying, abandoned: new AbandonedAnswer("It failed", new AnswerStatus("failing: stalled", 0, null), End: end));

        _harness.End().ShouldBe(new AnswerResult(outcome, cause, 1));
        _harness.Calls.ShouldBe([.. kept, nameof(SendReply)]);
    }

    [Fact]
    public void What_an_orchestration_that_failed_as_a_whole_had_been_told_to_be_merged_ends_with_its_message()
    {
        _harness.Begin(hasTurn: false, merges: true, abandoned: new AbandonedAnswer("It failed", new AnswerStatus("responding", 0, null), AnswerPaths.Others));

        _harness.End().Cause.ShouldBe("unexpected");
        _harness.Inputs<FailInput>(nameof(FailAnswer)).ShouldHaveSingleItem().Merged!.Select(message => message.Address.MessageId).ShouldBe(["msg-2", "msg-3"]);
        _harness.Inputs<DeadLetterInput>(nameof(WriteDeadLetter)).Select(letter => letter.Address.MessageId).ShouldBe(["msg-1", "msg-2", "msg-3"], ignoreOrder: true);
    }

    [Fact]
    public void A_turn_that_nobody_grants_is_asked_for()
    {
        var asked = 0;
        _harness.On<TurnInput>(nameof(CheckTurn), _ => new TurnResult(++asked == 2, null));

        _harness.Begin(hasTurn: false);
        _harness.Advance(TimeSpan.FromSeconds(1));
        asked.ShouldBe(1);
        _harness.Advance(TimeSpan.FromSeconds(2));
        asked.ShouldBe(2);

        _harness.End().Outcome.ShouldBe("completed");
    }

    [Fact]
    public void Who_has_waited_for_ten_minutes_asks_for_its_turn_more_seldom()
    {
        // The first look takes five seconds, so that one of the later ones is over after just ten minutes.
        var asked = 0;
        _harness.On<TurnInput>(nameof(CheckTurn), _ => ++asked == 1 ? new Later(TimeSpan.FromSeconds(5), new TurnResult(false, null)) : new TurnResult(false, null));

        _harness.Begin(hasTurn: false);
        _harness.Advance(TimeSpan.FromSeconds(980));

        var times = _harness.Times(nameof(CheckTurn)).Select(time => (time - _begun).TotalSeconds).ToList();
        times.Take(6).ShouldBe([1, 8, 12, 20, 30, 40]);
        times.Where(time => time >= 590).ShouldBe([590, 600, 620, 660, 740, 860, 980]);
        _harness.Raise(AnswerMessage.TurnGranted, true);
        _harness.End().Outcome.ShouldBe("completed");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_cancelled_message_is_told_and_is_no_dead_letter(bool hasTurn)
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => _harness.UntilStopped);

        _harness.Begin(hasTurn);
        _harness.Cancel();

        _harness.End().Cause.ShouldBe("cancelled");
        _harness.Calls.ShouldContain(nameof(FailAnswer));
        _harness.Calls.ShouldNotContain(nameof(WriteDeadLetter));
    }

    [Fact]
    public void Work_that_is_late_is_told_to_stop_and_its_end_awaited_before_the_client_is_told()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => _harness.UntilStopped);

        _harness.Begin();
        _harness.Advance(TimeSpan.FromSeconds(46));

        _harness.End().Cause.ShouldBe("no_first_response");
        _harness.Calls.ShouldBe([nameof(RunAssistant), nameof(StopWork), nameof(FailAnswer), nameof(WriteDeadLetter)]);
    }

    [Fact]
    public void Work_that_does_not_heed_the_stop_is_waited_for_two_seconds()
    {
        var heedless = new OpenCall();
        _harness.On<RunInput>(nameof(RunAssistant), _ => heedless);

        _harness.Begin();
        _harness.Advance(TimeSpan.FromSeconds(45));
        _harness.Calls[^1].ShouldBe(nameof(StopWork));
        _harness.Advance(TimeSpan.FromSeconds(1.9));
        _harness.Calls.ShouldNotContain(nameof(FailAnswer));
        _harness.Advance(TimeSpan.FromSeconds(0.1));
        _harness.Calls.ShouldContain(nameof(WriteDeadLetter));

        // An orchestration does not end before its activities have.
        _harness.HasEnded.ShouldBeFalse();
        heedless.End(null);
        _harness.End().Cause.ShouldBe("no_first_response");
    }

    [Fact]
    public void Work_that_kept_its_own_deadline_first_is_an_overall_time_out_all_the_same()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => new RunResult([], Failure.Stopped));

        _harness.Begin();

        _harness.End().Cause.ShouldBe("overall");
        _harness.Inputs<FailInput>(nameof(FailAnswer)).Single().Failure.Details.ShouldBe("Processing exceeded 90 second timeout limit");
    }

    [Fact]
    public void Work_that_another_worker_cancelled_ends_as_cancelled()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => new RunResult([], Failure.Cancelled));

        _harness.Begin();

        _harness.End().Cause.ShouldBe("cancelled");
        _harness.Calls.ShouldNotContain(nameof(WriteDeadLetter));
    }

    [Fact]
    public void A_message_that_is_cancelled_between_two_rounds_asks_the_model_no_more()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => new RunResult(AnswerHarness.Calling("a"), null));
        _harness.On<ToolInput>(nameof(ExecuteTool), _ =>
        {
            _harness.Cancel();
            return "done";
        });

        _harness.Begin();

        _harness.End().Cause.ShouldBe("cancelled");
        _harness.Inputs<RunInput>(nameof(RunAssistant)).ShouldHaveSingleItem();
    }

    [Fact]
    public void A_message_that_waits_while_Redis_is_away_is_told_so()
    {
        _harness.On<TurnInput>(nameof(CheckTurn), _ => new TurnResult(false, Failure.Redis(new TimeoutException())));

        _harness.Begin(hasTurn: false);
        _harness.Advance(TimeSpan.FromSeconds(1));

        _harness.End().Cause.ShouldBe("redis");
        _harness.Inputs<DeadLetterInput>(nameof(WriteDeadLetter)).ShouldHaveSingleItem();
    }

    [Fact]
    public void A_second_round_has_the_time_between_two_events_and_not_that_to_the_first()
    {
        _harness.On<RunInput>(
            nameof(RunAssistant), input => input.Round == 0 ? new RunResult(AnswerHarness.Calling("a"), null) : _harness.UntilStopped);

        _harness.Begin();
        _harness.Advance(TimeSpan.FromSeconds(50));
        _harness.Calls.ShouldNotContain(nameof(StopWork));
        _harness.Advance(TimeSpan.FromSeconds(11));

        _harness.End().Cause.ShouldBe("stalled");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_answer_that_was_told_before_its_work_could_be_stopped_is_no_failure(bool isLate)
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => isLate ? _harness.UntilStopped : new IOException("The worker died when all was said."));
        _harness.On<FailInput>(nameof(FailAnswer), _ => true);

        _harness.Begin();

        _harness.End().ShouldBe(new AnswerResult("completed", null, 1));
        _harness.Calls.ShouldNotContain(nameof(WriteDeadLetter));
    }

    [Fact]
    public void A_message_that_another_orchestration_has_ends_silently()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => new RunResult([], Failure.Over));

        _harness.Begin();

        _harness.End().Outcome.ShouldBe("duplicate");
        _harness.Calls.ShouldBe([nameof(RunAssistant)]);
    }

    [Fact]
    public void What_fails_is_tried_again_for_two_thirds_of_the_time_to_the_deadline_and_then_told()
    {
        _harness.On<RunInput>(nameof(RunAssistant), input => new RunResult(input.Round == 0 ? AnswerHarness.Calling("a") : [], null));

        _harness.Begin();
        var begun = _harness.Now;
        _harness.End();

        _harness.Inputs<RunInput>(nameof(RunAssistant)).Select(input => input.RetryUntil)
            .ShouldBe([begun + TimeSpan.FromSeconds(30), begun + TimeSpan.FromSeconds(40)]);
    }

    [Fact]
    public void What_fails_is_tried_again_no_longer_than_the_whole_answer_has_left()
    {
        _harness.On<RunInput>(nameof(RunAssistant), input => input.Round == 0 ? new Later(TimeSpan.FromSeconds(30), new RunResult(AnswerHarness.Calling("a"), null)) : new RunResult([], null));
        _harness.On<ToolInput>(nameof(ExecuteTool), _ => new Later(TimeSpan.FromSeconds(30), "done"));

        _harness.Begin();
        _harness.End();

        // Two thirds of the thirty seconds that are left, and not of the sixty between two events.
        _harness.Inputs<RunInput>(nameof(RunAssistant))[1].RetryUntil.ShouldBe(_begun + TimeSpan.FromSeconds(80));
    }

    [Fact]
    public void An_activity_that_throws_ends_the_conversation_and_not_the_orchestration()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => throw new InvalidOperationException("broken"));

        _harness.Begin();

        _harness.End().Cause.ShouldBe("unexpected");
        _harness.Inputs<FailInput>(nameof(FailAnswer)).Single().Failure.ShouldSatisfyAllConditions(
            failure => failure.Reason.ShouldBe("broken"), failure => failure.Details.ShouldNotContain("broken"));
        _harness.Inputs<DeadLetterInput>(nameof(WriteDeadLetter)).ShouldHaveSingleItem();
    }

    [Fact]
    public void A_dead_letter_is_kept_until_the_broker_is_back()
    {
        var tries = 0;
        _harness.On<RunInput>(nameof(RunAssistant), _ => new RunResult([], Failure.From(AssistantFailure.Other, "failed")));
        _harness.On<DeadLetterInput>(nameof(WriteDeadLetter), _ => ++tries < 6 ? throw new IOException("The broker is away.") : null);

        _harness.Begin();

        _harness.End().Cause.ShouldBe("assistant");
        tries.ShouldBe(6);
    }

    private static AnswerStatus? StatusOf(AnswerHarness harness) => JsonDataConverter.Default.Deserialize<AnswerStatus>(harness.CustomStatus);
}
