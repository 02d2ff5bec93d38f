using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.Approvals;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Orchestrations;

namespace Cosmo.Functions.Tests.Answering;

/// <summary>Every way that an answer can go, by name. Each is driven to its end, and leaves the history that a Durable store would have kept.</summary>
internal static class AnswerPaths
{
    public static readonly DeliveryProperties Replying = DeliveryProperties.None with
    {
        ReplyTo = "replies",
        CorrelationId = "order-1",
        Headers = new Dictionary<string, string> { [DeliveryProperties.ReplyHeader] = "final" },
    };

    private static readonly Exception Died = new InvalidOperationException("dotnet exited with code 137 (0x89)");

    /// <summary>Two messages that are asked together with the first; the producer of one wants a reply.</summary>
    public static IReadOnlyList<MergedMessage> Others { get; } =
    [
        new(new MessageAddress("channel", "msg-2", 1), "And in Cebu?", DeliveryProperties.None, DateTimeOffset.UnixEpoch),
        new(new MessageAddress("channel", "msg-3", 1), "And in Davao?", Replying, DateTimeOffset.UnixEpoch),
    ];

    public static IReadOnlyDictionary<string, Action<AnswerHarness>> All { get; } = new Dictionary<string, Action<AnswerHarness>>
    {
        ["answered"] = answer => answer.Begin(),
        ["answered-while-it-was-being-stopped"] = answer =>
        {
            answer.On<RunInput>(nameof(RunAssistant), _ => answer.UntilStopped);
            answer.On<FailInput>(nameof(FailAnswer), _ => true);
            answer.Begin();
        },
        ["answered-and-replied"] = answer => answer.Begin(properties: Replying),
        ["model-failed-and-replied"] = answer =>
        {
            answer.On<RunInput>(nameof(RunAssistant), _ => new RunResult([], ThreadGone));
            answer.Begin(properties: Replying);
        },
        ["long-text"] = answer =>
        {
            var run = new OpenCall();
            answer.On<RunInput>(nameof(RunAssistant), _ => run);
            answer.Begin();
            for (var beats = 0; beats < 5; beats++)
            {
                answer.Progress();
                answer.Advance(TimeSpan.FromSeconds(15));
            }

            run.End(new RunResult([], null));
        },
        ["waited-for-its-turn"] = answer =>
        {
            answer.On<TurnInput>(nameof(CheckTurn), _ => new TurnResult(answer.Calls.Count(call => call == nameof(CheckTurn)) >= 3, null));
            answer.Begin(hasTurn: false);
        },
        ["turn-granted"] = answer =>
        {
            answer.Begin(hasTurn: false);
            answer.Raise(AnswerMessage.TurnGranted, true);
        },
        ["turn-that-never-came"] = answer =>
        {
            answer.On<TurnInput>(nameof(CheckTurn), _ => new TurnResult(false, Failure.Redis(new TimeoutException())));
            answer.Begin(hasTurn: false);
        },
        ["tools-side-by-side"] = answer =>
        {
            AskForTools(answer, rounds: 1, "get_weather", "get_user_role");
            answer.Begin();
        },
        ["approved"] = answer =>
        {
            AskForApproval(answer);
            answer.Begin();
            answer.Decide("call_get_user_role_1", approved: true);
        },
        ["refused"] = answer =>
        {
            AskForApproval(answer);
            answer.Begin();
            answer.Decide("call_get_user_role_1", approved: false);
        },
        ["nobody-approved"] = answer =>
        {
            AskForApproval(answer);
            answer.Begin();
            answer.Advance(ApprovalWait.Round);
            answer.Advance(ApprovalWait.Round);
        },
        ["approved-by-an-event-that-was-lost"] = answer =>
        {
            AskForApproval(answer);
            answer.On<ApprovalInput>(nameof(CheckApproval), _ => new ApprovalDecision(true, null, "backend:ana"));
            answer.Begin();
            answer.Advance(ApprovalWait.Round);
        },
        ["cancelled-while-approval-was-awaited"] = answer =>
        {
            AskForApproval(answer);
            answer.Begin();
            answer.Cancel();
        },
        ["many-rounds"] = answer =>
        {
            AskForTools(answer, rounds: 8, "get_weather");
            answer.Begin();
        },
        ["too-many-rounds"] = answer =>
        {
            AskForTools(answer, rounds: int.MaxValue, "get_weather");
            answer.Begin();
        },
        ["thread-gone"] = answer =>
        {
            answer.On<RunInput>(nameof(RunAssistant), _ => new RunResult([], ThreadGone));
            answer.Begin();
        },
        ["model-failed"] = answer =>
        {
            answer.On<RunInput>(nameof(RunAssistant), _ => new RunResult([], Failure.From(AssistantFailure.RateLimit, "429")));
            answer.Begin();
        },
        ["model-failed-after-a-tool"] = answer =>
        {
            answer.On<RunInput>(
                nameof(RunAssistant),
                input => input.Round == 0 ? new RunResult(AnswerHarness.Calling("get_weather"), null) : new RunResult([], Failure.From(AssistantFailure.Connection, "cut")));
            answer.Begin();
        },
        ["no-first-event"] = answer =>
        {
            answer.On<RunInput>(nameof(RunAssistant), _ => answer.UntilStopped);
            answer.Begin();
        },
        ["stalled"] = answer =>
        {
            answer.On<RunInput>(nameof(RunAssistant), _ => answer.UntilStopped);
            answer.Begin();
            answer.Advance(TimeSpan.FromSeconds(1));
            answer.Progress();
        },
        ["overall"] = answer =>
        {
            answer.On<RunInput>(nameof(RunAssistant), _ => answer.UntilStopped);
            answer.Begin();
            for (var beats = 0; beats < 6; beats++)
            {
                answer.Progress();
                answer.Advance(TimeSpan.FromSeconds(14));
            }
        },
        ["stalled-in-a-tool"] = answer =>
        {
            AskForTools(answer, rounds: 1, "get_weather");
            answer.On<ToolInput>(nameof(ExecuteTool), _ => new Later(TimeSpan.FromMinutes(5), "late"));
            answer.Begin();
            answer.Progress();
        },
        ["deadline-that-work-did-not-heed"] = answer =>
        {
            answer.On<RunInput>(nameof(RunAssistant), _ => new Later(TimeSpan.FromMinutes(2), new RunResult([], Failure.Over)));
            answer.Begin();
        },
        ["cancelled-while-waiting"] = answer =>
        {
            answer.On<TurnInput>(nameof(CheckTurn), _ => new TurnResult(false, null));
            answer.Begin(hasTurn: false);
            answer.Advance(TimeSpan.FromSeconds(5));
            answer.Cancel();
        },
        ["cancelled-in-text"] = answer =>
        {
            answer.On<RunInput>(nameof(RunAssistant), _ => answer.UntilStopped);
            answer.Begin();
            answer.Progress();
            answer.Cancel();
        },
        ["cancelled-in-a-tool"] = answer =>
        {
            var tool = new OpenCall();
            AskForTools(answer, rounds: 1, "get_weather");
            answer.On<ToolInput>(nameof(ExecuteTool), _ => tool);
            answer.On<StopInput>(nameof(StopWork), _ =>
            {
                tool.End("The tool was stopped before it had a result.");
                return null;
            });
            answer.Begin();
            answer.Cancel();
        },
        ["cancelled-by-another-worker"] = answer =>
        {
            answer.On<RunInput>(nameof(RunAssistant), _ => new RunResult([], Failure.Cancelled));
            answer.Begin();
        },
        ["over-before-it-was-asked"] = answer =>
        {
            answer.On<RunInput>(nameof(RunAssistant), _ => new RunResult([], Failure.Over));
            answer.Begin();
        },
        ["worker-died-in-every-step"] = answer =>
        {
            AskForTools(answer, rounds: 1, "get_weather");
            foreach (var activity in (string[])[nameof(CheckTurn), nameof(RunAssistant), nameof(ExecuteTool)])
            {
                DieOnce(answer, activity);
            }

            answer.Begin(hasTurn: false);
        },
        ["worker-died-while-failing"] = answer =>
        {
            answer.On<RunInput>(nameof(RunAssistant), _ => answer.UntilStopped);
            foreach (var activity in (string[])[nameof(StopWork), nameof(FailAnswer), nameof(WriteDeadLetter)])
            {
                DieOnce(answer, activity);
            }

            answer.Begin();
        },
        ["every-worker-died"] = answer =>
        {
            answer.Before(nameof(RunAssistant), () => Died);
            answer.Begin();
        },
        ["merged"] = answer =>
        {
            answer.On<RunInput>(nameof(RunAssistant), input => Merged(input.Round == 0 ? AnswerHarness.Calling("get_weather") : [], null));
            answer.Begin(merges: true);
        },
        ["merged-and-failed"] = answer =>
        {
            answer.On<RunInput>(nameof(RunAssistant), _ => Merged([], Failure.From(AssistantFailure.RateLimit, "429")));
            answer.Begin(merges: true);
        },
        ["merged-and-cancelled"] = answer =>
        {
            answer.On<RunInput>(nameof(RunAssistant), _ => answer.UntilStopped);
            answer.On<EndMergedInput>(nameof(EndMerged), _ => Others.Select(message => new EndedMerged(message, IsKept: false)));
            answer.Begin(merges: true);
            answer.Cancel();
        },
        ["merged-and-every-worker-died"] = answer =>
        {
            answer.Before(nameof(RunAssistant), () => Died);
            answer.On<EndMergedInput>(nameof(EndMerged), _ => Others.Select(message => new EndedMerged(message, IsKept: true)));
            answer.Begin(merges: true);
        },
        ["merged-and-over-elsewhere"] = answer =>
        {
            answer.On<RunInput>(nameof(RunAssistant), _ => Merged([], Failure.Over));
            answer.Begin(merges: true);
        },
        ["merged-into-another"] = answer =>
        {
            answer.On<RunInput>(nameof(RunAssistant), _ => new RunResult([], Failure.Over) { Merged = [] });
            answer.Begin(hasTurn: false, merges: true);
            answer.Raise(AnswerMessage.TurnGranted, true);
        },
        ["nothing-to-merge"] = answer =>
        {
            answer.On<RunInput>(nameof(RunAssistant), _ => new RunResult([], Failure.From(AssistantFailure.RateLimit, "429")) { Merged = [] });
            answer.Begin(merges: true);
        },
        ["replacing"] = answer => answer.Begin(replaces: "msg-0"),
        ["dead-letter-that-waited-for-the-broker"] = answer =>
        {
            answer.On<RunInput>(nameof(RunAssistant), _ => new RunResult([], Failure.From(AssistantFailure.Other, "failed")));
            var refused = 0;
            answer.Before(nameof(WriteDeadLetter), () => ++refused <= 12 ? new IOException("The broker is away.") : null);
            answer.Begin();
        },
    };

    /// <summary>What the first round answers where these were asked together with its message.</summary>
    public static RunResult Merged(IReadOnlyList<ToolCall> calls, Failure? failure) => new(calls, failure, failure is null ? "conv_1" : null) { Merged = Others };

    private static Failure ThreadGone { get; } = Failure.From(AssistantFailure.ThreadGone, "404");

    /// <summary>Two calls, the second of which waits for a person.</summary>
    public static void AskForApproval(AnswerHarness answer) => answer.On<RunInput>(nameof(RunAssistant), input => input.Round > 0
        ? new RunResult([], null)
        : new RunResult([.. AnswerHarness.Calling("get_weather", "get_user_role").Select(call => call with { NeedsApproval = call.Name == "get_user_role" })], null));

    private static void AskForTools(AnswerHarness answer, int rounds, params string[] tools) => answer.On<RunInput>(
        nameof(RunAssistant), input => new RunResult(input.Round < rounds ? AnswerHarness.Calling(tools) : [], null));

    private static void DieOnce(AnswerHarness answer, string activity)
    {
        var left = 1;
        answer.Before(activity, () => left-- > 0 ? Died : null);
    }
}
