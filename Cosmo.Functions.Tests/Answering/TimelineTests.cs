using System.Reflection;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.Timelines;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using DurableTask.Core.History;
using Microsoft.DurableTask.Worker.Grpc;
using P = Microsoft.DurableTask.Protobuf;

namespace Cosmo.Functions.Tests.Answering;

/// <summary>What the history of each path that an answer can go is told as.</summary>
public sealed class TimelineTests
{
    private static readonly MessageAddress Address = new("channel", "msg-1", 1);

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
                Updates.Responding(Address, "conv_1") with { Timestamp = 4 },
                Updates.Completed(Address, "conv_1", "Hello") with { Timestamp = 5.25 },
            ]);

        var tool = told.Steps.Single(step => step.Name == "get_user_role");
        (tool.State, tool.Seconds).ShouldBe(("failed", 1.5));
        told.ToldAt.ShouldBe(DateTimeOffset.UnixEpoch.AddSeconds(5.25));
        told.FirstTextAt.ShouldBe(DateTimeOffset.UnixEpoch.AddSeconds(4));
        told.Updates!.Select(update => update.Tool).ShouldBe([null, "get_user_role: running", "get_user_role: failed", null, null]);
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

    private static string Describe(TimelineStep step) => $"{step.Kind}{(step.Name is null ? "" : " " + step.Name)}: {step.State}{(step.Detail is null ? "" : $" ({step.Detail})")}";
}
