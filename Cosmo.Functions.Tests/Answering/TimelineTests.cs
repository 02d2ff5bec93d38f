using System.Reflection;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.Timelines;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Orchestrations;
using DurableTask.Core;
using DurableTask.Core.History;
using Microsoft.DurableTask.Worker.Grpc;
using P = Microsoft.DurableTask.Protobuf;

namespace Cosmo.Functions.Tests.Answering;

/// <summary>What the history of each path that an answer can go is told as.</summary>
public sealed class TimelineTests
{
    private static readonly MessageAddress Address = new("channel", "msg-1", 1);
    private static readonly DateTime At = new(2026, 1, 31, 12, 0, 0, DateTimeKind.Utc);

    /// <summary>The official client's own reading of the protocol's events.</summary>
    private static readonly MethodInfo Convert = typeof(GrpcOrchestrationRunner).Assembly.GetType("Microsoft.DurableTask.ProtoUtils", throwOnError: true)!
        .GetMethod("ConvertHistoryEvent", BindingFlags.Static | BindingFlags.NonPublic, [typeof(P.HistoryEvent)])!;

    public static TheoryData<string> Paths => [.. AnswerPaths.All.Keys];

    [Theory]
    [MemberData(nameof(Paths))]
    public void Every_path_is_told_to_its_end(string path)
    {
        var told = Tell(path);

        told.Outcome.ShouldNotBeNull();
        told.ReceivedAt.ShouldNotBeNull();
        told.Steps[0].Kind.ShouldBe(TimelineStep.Turn);
        told.Steps.Count(step => step.Kind == TimelineStep.Turn).ShouldBe(1);
        told.Steps.ShouldAllBe(step => step.Seconds >= 0 || path == "deadline-that-work-did-not-heed");
        told.Steps.Where(step => step.Kind is TimelineStep.Tool or TimelineStep.Approval).ShouldAllBe(step => step.Name != null && step.CallId != null);
        told.Steps.Select(step => step.BeganAt).ShouldBeInOrder();
    }

    [Theory]
    [InlineData("answered", "turn: done (at once)", "round: done (the answer is whole)")]
    [InlineData("turn-granted", "turn: done (given by the message before)", "round: done (the answer is whole)")]
    [InlineData("waited-for-its-turn", "turn: done (found in 3 looks)", "round: done (the answer is whole)")]
    [InlineData("tools-side-by-side",
        "turn: done (at once)", "round: done (asks for get_weather, get_user_role)", "tool get_weather: ended", "tool get_user_role: ended", "round: done (the answer is whole)")]
    [InlineData("approved",
        "turn: done (at once)", "round: done (asks for get_weather, get_user_role)", "tool get_weather: ended", "approval get_user_role: approved (by backend:ana)",
        "tool get_user_role: ended", "round: done (the answer is whole)")]
    [InlineData("refused",
        "turn: done (at once)", "round: done (asks for get_weather, get_user_role)", "tool get_weather: ended", "approval get_user_role: refused (by backend:ana)",
        "round: done (the answer is whole)")]
    [InlineData("nobody-approved",
        "turn: done (at once)", "round: done (asks for get_weather, get_user_role)", "tool get_weather: ended", "approval get_user_role: expired (nobody decided in time)",
        "round: done (the answer is whole)")]
    [InlineData("stalled", "turn: done (at once)", "round: failed (stopped)", "deadline: done", "stop: done", "fail: done", "dead_letter: done")]
    [InlineData("cancelled-in-text", "turn: done (at once)", "round: failed (stopped)", "cancel: done", "stop: done", "fail: done")]
    [InlineData("cancelled-while-waiting", "turn: failed (it had none)", "cancel: done", "fail: done")]
    [InlineData("model-failed", "turn: done (at once)", "round: failed (rate_limit)", "fail: done", "dead_letter: done")]
    [InlineData("model-failed-and-replied", "turn: done (at once)", "round: failed (thread_gone)", "fail: done", "dead_letter: done", "reply: done")]
    public void A_path_is_told_step_by_step(string path, params string[] steps) => Tell(path).Steps.Select(Describe).ShouldBe(steps);

    [Fact]
    public void Rounds_and_what_they_ask_for_have_their_number_and_the_thread_is_the_newest_that_is_known()
    {
        var answer = new AnswerHarness();
        answer.On<RunInput>(nameof(RunAssistant), input => new RunResult(
            input.Round < 2 ? AnswerHarness.Calling("get_weather") : [], null, input.Round switch { 0 => "conv_1", 1 => "conv_2", _ => null }));
        answer.Begin();
        answer.End();

        var told = Of(answer, []);

        told.Steps.Where(step => step.Kind != TimelineStep.Turn).Select(step => (step.Kind, step.Number)).ShouldBe(
            [(TimelineStep.Round, 0), (TimelineStep.Tool, 0), (TimelineStep.Round, 1), (TimelineStep.Tool, 1), (TimelineStep.Round, 2)]);
        (told.ThreadId, told.TurnAt).ShouldBe(("conv_2", told.Steps[1].BeganAt));
        told.ToldAt.ShouldBe(told.Steps[^1].EndedAt);
    }

    [Fact]
    public void Each_of_several_calls_is_decided_on_in_every_round()
    {
        var answer = new AnswerHarness();
        answer.On<RunInput>(nameof(RunAssistant), input => new RunResult(
            input.Round < 2 ? [new ToolCall($"a{input.Round}", "a", "{}") { NeedsApproval = true }, new ToolCall($"b{input.Round}", "b", "{}") { NeedsApproval = true }] : [], null, "conv_1"));
        answer.Begin();
        answer.Decide("a0", approved: true);
        answer.Decide("b0", approved: false);
        answer.Decide("b1", approved: true);
        answer.Decide("a1", approved: false);
        answer.End();

        Of(answer, []).Steps.Where(step => step.Kind is TimelineStep.Approval or TimelineStep.Tool).Select(step => $"{step.Number} {step.Kind} {step.CallId} {step.State}").ShouldBe(
            ["0 approval a0 approved", "0 approval b0 refused", "0 tool a0 ended", "1 approval a1 refused", "1 approval b1 approved", "1 tool b1 ended"]);
    }

    [Theory]
    [InlineData(null, "turn: done (found in 1 looks)", "stop: done", "fail: done", "dead_letter: done")]
    [InlineData("error", "turn: done (was over)", "dead_letter: done")]
    public void A_message_whose_orchestration_failed_as_a_whole_had_its_turn(string? end, params string[] steps)
    {
        var answer = new AnswerHarness();
        answer.Begin(hasTurn: false, abandoned: new AbandonedAnswer("It failed", new AnswerStatus("responding", 0, "conv_1"), End: end));
        answer.End();

        Of(answer, []).Steps.Select(Describe).ShouldBe(steps);
    }

    [Fact]
    public void A_message_that_was_cancelled_while_it_got_its_turn_had_it()
    {
        var look = new OpenCall();
        var answer = new AnswerHarness();
        answer.On<TurnInput>(nameof(CheckTurn), _ => look);
        answer.Begin(hasTurn: false);
        answer.Advance(TimeSpan.FromMinutes(1));
        answer.Cancel();
        look.End(new TurnResult(true, null));
        answer.End();

        Of(answer, []).Steps.Select(Describe).ShouldBe(["turn: done (found in 1 looks)", "cancel: done", "fail: done"]);
    }

    [Fact]
    public void What_both_know_is_told_as_the_history_has_it_and_when_its_client_was_told_as_the_updates_have_it()
    {
        var at = new DateTimeOffset(2026, 1, 31, 12, 0, 1, TimeSpan.Zero);
        var answer = new AnswerHarness();
        answer.On<RunInput>(nameof(RunAssistant), _ => new RunResult([], null, "conv_1") { FirstTextAt = at });
        answer.Begin();
        answer.End();

        var told = Of(answer, [Updates.Responding(Address, "conv_2") with { Timestamp = 4 }, Updates.Completed(Address, "conv_3", "Hello") with { Timestamp = 5 }]);

        (told.ThreadId, told.FirstTextAt, told.ToldAt).ShouldBe(("conv_1", at, DateTimeOffset.UnixEpoch.AddSeconds(5)));
    }

    [Fact]
    public void The_wait_for_the_turn_begins_when_the_message_came()
    {
        var answer = new AnswerHarness();
        var receivedAt = answer.Now.AddSeconds(-5);
        answer.Begin(receivedAt: receivedAt);
        answer.End();

        Of(answer, []).ShouldSatisfyAllConditions(
            told => told.ReceivedAt.ShouldBe(receivedAt),
            told => (told.Steps[0].BeganAt, told.Steps[0].Seconds).ShouldBe((receivedAt, 5)),
            told => told.TurnAt.ShouldBe(receivedAt.AddSeconds(5)));
    }

    [Theory]
    [InlineData("stalled")]
    [InlineData("cancelled-in-text")]
    [InlineData("over-before-it-was-asked")]
    public void Work_that_was_told_to_stop_does_not_say_why_the_answer_failed(string path) => Tell(path).Reason.ShouldBeNull();

    [Fact]
    public void An_answer_that_failed_at_first_and_came_all_the_same_has_no_reason()
    {
        var told = Tell("worker-died-in-every-step");

        (told.Outcome, told.Reason).ShouldBe(("completed", null));
    }

    [Fact]
    public void A_failure_says_what_it_is_for_operators_before_what_its_client_is_told()
    {
        var answer = new AnswerHarness();
        answer.On<RunInput>(nameof(RunAssistant), _ => new RunResult([], Failure.From(AssistantFailure.RateLimit, "429") with { Reason = "The quota is used up." }));
        answer.Begin();
        answer.End();

        Of(answer, [Updates.Error(Address, "conv_1", "sentence", "details") with { Timestamp = 1 }]).Reason.ShouldBe("The quota is used up.");
    }

    [Fact]
    public void What_the_history_does_not_know_is_that_of_the_updates()
    {
        var answer = new AnswerHarness();
        AnswerPaths.All["stalled"](answer);
        answer.End();

        var told = Of(answer, [Updates.Responding(Address, "conv_1"), Updates.Responding(Address, "conv_2"), Updates.Error(Address, null, "sentence", "details")]);

        (told.ThreadId, told.Reason).ShouldBe(("conv_2", "details"));
    }

    [Fact]
    public void What_is_under_way_is_running_also_when_it_is_tried_again()
    {
        HistoryEvent[] history = [Started(), Asked(0), Failed(0, "It died.", details: null), Asked(1)];

        Of(history[..2]).Steps[^1].ShouldSatisfyAllConditions(
            round => (round.Kind, round.State, round.EndedAt, round.Tries).ShouldBe((TimelineStep.Round, "running", null, 1)));
        Of(history).Steps[^1].ShouldSatisfyAllConditions(
            round => (round.State, round.EndedAt, round.Seconds, round.Tries).ShouldBe(("running", null, null, 2)));
        Of(history[..1]).Steps.ShouldHaveSingleItem().State.ShouldBe("running");
    }

    [Theory]
    [InlineData("It died.", null, "It died.")]
    [InlineData("It died.", "Exit code 137", "Exit code 137")]
    [InlineData(null, "Exit code 137", "Exit code 137")]
    public void A_step_that_failed_says_why(string? reason, string? details, string told)
    {
        var step = Of([Started(), Asked(0), Failed(0, reason, details)]).Steps[^1];

        (step.State, step.Detail).ShouldBe(("failed", told));
    }

    [Theory]
    [InlineData("The history differs.", null, "The history differs.")]
    [InlineData("The history differs.", "No such activity", "No such activity")]
    [InlineData(null, "No such activity", "No such activity")]
    public void An_orchestration_that_failed_as_a_whole_has_no_outcome_and_says_why(string? result, string? details, string told)
    {
        var timeline = Of([Started(), new ExecutionCompletedEvent(-1, result, OrchestrationStatus.Failed, Details(details))]);

        (timeline.Outcome, timeline.Reason).ShouldBe((null, told));
        Describe(timeline.Steps.ShouldHaveSingleItem()).ShouldBe("turn: failed (it had none)");
    }

    [Fact]
    public void One_that_was_terminated_says_so()
    {
        var timeline = Of([Started(), new ExecutionTerminatedEvent(-1, "enough")]);

        (timeline.Outcome, timeline.Reason).ShouldBe((null, "enough"));
        Describe(timeline.Steps.ShouldHaveSingleItem()).ShouldBe("turn: failed (it had none)");
    }

    [Fact]
    public void A_step_that_was_tried_again_is_one_with_the_number_of_its_tries() =>
        Tell("worker-died-in-every-step").Steps.Select(step => (step.Kind, step.Tries)).ShouldBe(
            [(TimelineStep.Turn, 1), (TimelineStep.Round, 2), (TimelineStep.Tool, 2), (TimelineStep.Round, 1)]);

    [Fact]
    public void A_failure_has_its_cause_and_its_reason_and_when_its_client_was_told()
    {
        var told = Tell("model-failed");

        (told.Outcome, told.Cause, told.Reason).ShouldBe(("failed", "rate_limit", "429"));
        told.ToldAt.ShouldBe(told.Steps.Single(step => step.Kind == TimelineStep.Fail).EndedAt);
        Tell("every-worker-died").Reason!.ShouldContain("exited with code 137");
    }

    [Fact]
    public void Its_client_was_told_before_the_letter_was_written()
    {
        var answer = new AnswerHarness();
        answer.On<RunInput>(nameof(RunAssistant), _ => new RunResult([], Failure.From(AssistantFailure.RateLimit, "429")));
        answer.On<DeadLetterInput>(nameof(WriteDeadLetter), _ => new Later(TimeSpan.FromSeconds(3), null));
        answer.Begin();
        answer.End();

        var told = Of(answer, []);

        (told.Steps[^1].Kind, told.Steps[^1].EndedAt - told.ToldAt).ShouldBe((TimelineStep.DeadLetter, TimeSpan.FromSeconds(3)));
    }

    [Fact]
    public void A_round_without_a_result_is_over()
    {
        var told = Of([Started(), Asked(0), new TaskCompletedEvent(-1, 0, null) { Timestamp = At }]);

        (told.Steps[^1].Kind, told.Steps[^1].State, told.ThreadId).ShouldBe((TimelineStep.Round, "done", null));
    }

    [Fact]
    public void What_is_not_recorded_is_not_known()
    {
        var told = Tell("answered");

        told.FirstTextAt.ShouldBeNull();
        told.Updates.ShouldBeNull();
    }

    [Fact]
    public void A_round_says_when_its_first_text_came_and_how_many_texts_were_told()
    {
        var at = new DateTimeOffset(2026, 1, 31, 12, 0, 1, TimeSpan.Zero);
        var answer = new AnswerHarness();
        answer.On<RunInput>(nameof(RunAssistant), _ => new RunResult([], null, "conv_1") { FirstTextAt = at, TextUpdates = 7 });
        answer.Begin();
        answer.End();

        var told = Of(answer, []);

        (told.FirstTextAt, told.Steps[1].FirstTextAt, told.Steps[1].TextUpdates).ShouldBe((at, at, 7));
    }

    [Fact]
    public void The_log_of_updates_says_how_a_tool_ended_and_when_the_client_was_told()
    {
        var answer = new AnswerHarness();
        AnswerPaths.All["tools-side-by-side"](answer);
        var call = new ToolCallUpdate("call_get_user_role_1", "get_user_role", ToolCallUpdate.Running);

        var told = Of(answer,
            [
                Updates.Started(Address) with { Timestamp = 1 },
                Updates.Tool(Address, "conv_1", call) with { Timestamp = 2 },
                Updates.Tool(Address, "conv_1", call with { State = ToolCallUpdate.Failed, Seconds = 1.5 }) with { Timestamp = 3 },
                Updates.Tool(Address, "conv_1", new("call_get_weather_0", "get_weather", "done") { Seconds = 0.5 }) with { Timestamp = 3.5 },
                Updates.Responding(Address, "conv_1") with { Timestamp = 4 },
                Updates.Completed(Address, "conv_1", "Hello") with { Timestamp = 5.25 },
            ]);

        var tool = told.Steps.Single(step => step.Name == "get_user_role");
        (tool.State, tool.Seconds).ShouldBe(("failed", 1.5));
        var other = told.Steps.Single(step => step.Name == "get_weather");
        (other.State, other.Seconds).ShouldBe(("done", 0.5));
        told.ToldAt.ShouldBe(DateTimeOffset.UnixEpoch.AddSeconds(5.25));
        told.FirstTextAt.ShouldBe(DateTimeOffset.UnixEpoch.AddSeconds(4));
        told.Updates!.Select(update => update.Tool).ShouldBe([null, "get_user_role: running", "get_user_role: failed", "get_weather: done", null, null]);
    }

    private static AnswerTimeline Tell(string path)
    {
        var answer = new AnswerHarness();
        AnswerPaths.All[path](answer);
        answer.End();
        return Of(answer, []);
    }

    private static AnswerTimeline Of(AnswerHarness answer, IReadOnlyList<UpdatePayload> updates) => TimelineReader.Of(
        Address, "completed", new AnswerSteps(answer.History.Select(happened => (HistoryEvent)Convert.Invoke(null, [happened])!)), updates);

    private static AnswerTimeline Of(HistoryEvent[] history) => TimelineReader.Of(Address, "running", new AnswerSteps(history), []);

    private static ExecutionStartedEvent Started() => new(-1, "{}") { Timestamp = At };

    /// <summary>The model is asked.</summary>
    private static TaskScheduledEvent Asked(int number) => new(number, nameof(RunAssistant), "", null) { Timestamp = At };

    private static TaskFailedEvent Failed(int number, string? reason, string? details) => new(-1, number, reason, null, Details(details)) { Timestamp = At };

    private static DurableTask.Core.FailureDetails? Details(string? message) => message is null ? null : new("Some.Exception", message, null, null, false);

    private static string Describe(TimelineStep step) => $"{step.Kind}{(step.Name is null ? "" : " " + step.Name)}: {step.State}{(step.Detail is null ? "" : $" ({step.Detail})")}";
}
