using System.Globalization;
using CsCheck;
using DurableTask.Core;
using DurableTask.Core.Exceptions;

namespace Cosmo.Functions.Tests.Local.Durable;

internal enum StepKind
{
    /// <summary>An activity.</summary>
    Call,

    /// <summary>Some activities at once.</summary>
    Many,

    /// <summary>An activity that fails each time, tried twice.</summary>
    Fail,

    /// <summary>An activity that fails at first, and is tried again.</summary>
    Retry,

    /// <summary>A timer of so many milliseconds.</summary>
    Sleep,

    /// <summary>An event that is raised when it is waited for.</summary>
    Event,

    /// <summary>An event that is raised right after the start.</summary>
    Early,

    /// <summary>A sub-orchestration.</summary>
    Child,

    /// <summary>Continuing as new.</summary>
    Again,

    /// <summary>Being suspended, and resumed with an event in between.</summary>
    Pause,

    /// <summary>Being terminated.</summary>
    End,
}

/// <summary>A step of an orchestration, and the steps of its child if it has one.</summary>
internal sealed record Step(StepKind Kind, int Number, Step[] Inner)
{
    public override string ToString() => Inner.Length == 0 ? $"{Kind} {Number}" : $"{Kind} [{string.Join(", ", Inner.AsEnumerable())}]";
}

/// <summary>The input of an orchestration that goes through steps: what is left of them, and what came of those before.</summary>
internal sealed record Plan(Step[] Steps, int Done = 0, string Trace = "")
{
    /// <summary>The names of the events that are to be raised right after the start.</summary>
    public IEnumerable<string> EarlyEvents() => Steps.Select((step, i) => (step, i)).Where(at => at.step.Kind == StepKind.Early).Select(at => EventName(Done + at.i));

    public static string EventName(int step) => $"event-{step.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>How the orchestration ends, whatever happens to the host.</summary>
    public (OrchestrationStatus Status, string Output) Expected()
    {
        var trace = "";
        for (var i = 0; i < Steps.Length; i++)
        {
            if (Steps[i].Kind == StepKind.End)
            {
                return (OrchestrationStatus.Terminated, "the end");
            }

            trace += Outcome(Steps[i], i);
        }

        return (OrchestrationStatus.Completed, $"\"{trace}\"");
    }

    public static string Outcome(Step step, int index) => step.Kind switch
    {
        StepKind.Call => $"c{2 * step.Number} ",
        StepKind.Many => $"m{step.Number * (step.Number - 1)} ",
        StepKind.Fail => "f ",
        StepKind.Retry => $"r{2 * step.Number} ",
        StepKind.Sleep => "s ",
        StepKind.Event or StepKind.Early or StepKind.Pause => $"e{index} ",
        StepKind.Child => new Plan(step.Inner).Expected() is { Status: OrchestrationStatus.Completed } child ? $"({child.Output.Trim('"')}) " : "(!) ",
        _ => "",
    };
}

/// <summary>What an orchestration asks the one who drives it for: the event that it waits for, a pause, its end.</summary>
internal sealed record Wish(string InstanceId, string ExecutionId, StepKind Kind, string EventName, int Payload);

/// <summary>How an instance ended.</summary>
internal sealed record PlanEnd(OrchestrationStatus Status, string Output);

/// <summary>Orchestrations that go through a plan.</summary>
internal static class PlanFunctions
{
    public const string Name = "Plan";

    /// <param name="wish">Told what an orchestration wishes; possibly more than once.</param>
    /// <param name="reach">Called at the beginning of each step and each activity.</param>
    public static TestFunctions Create(Action<Wish> wish, Func<Task> reach)
    {
        var tries = new System.Collections.Concurrent.ConcurrentDictionary<string, int>();
        return new TestFunctions()
            .Orchestrator(Name, script =>
            {
                reach().Wait();
                return RunAsync(script, script.Input<Plan>());
            })
            .Activity<int, int>("Double", async number =>
            {
                await reach();
                return 2 * number;
            })
            .Activity<int, int>("Fail", number => Task.FromException<int>(new InvalidOperationException($"{number}")))
            .Activity<string, int>("Retry", async text =>
            {
                await reach();
                return tries.AddOrUpdate(text, 1, (_, count) => count + 1) > 2
                    ? 2 * int.Parse(text.Split('|')[1], CultureInfo.InvariantCulture)
                    : throw new InvalidOperationException("again");
            })
            .Activity<Wish, bool>("Wish", async wished =>
            {
                await reach();
                wish(wished);
                return true;
            });
    }

    private static async Task<string> RunAsync(Script script, Plan plan)
    {
        var trace = plan.Trace;
        for (var i = 0; i < plan.Steps.Length; i++)
        {
            var step = plan.Steps[i];
            var index = plan.Done + i;
            if (step.Kind == StepKind.Again)
            {
                script.ContinueAsNew(new Plan(plan.Steps[(i + 1)..], index + 1, trace));
                return trace;
            }

            trace += await TakeAsync(script, step, index);
        }

        return trace;
    }

    private static async Task<string> TakeAsync(Script script, Step step, int index)
    {
        var name = Plan.EventName(index);
        switch (step.Kind)
        {
            case StepKind.Call:
                return $"c{await script.CallAsync<int>("Double", step.Number)} ";
            case StepKind.Many:
                return $"m{(await Task.WhenAll(Enumerable.Range(0, step.Number).Select(i => script.CallAsync<int>("Double", i)))).Sum()} ";
            case StepKind.Fail:
                try
                {
                    return $"{await script.Context.ScheduleWithRetry<int>("Fail", "", new RetryOptions(TimeSpan.FromMilliseconds(1), 2), step.Number)} ";
                }
                catch (TaskFailedException)
                {
                    return "f ";
                }

            case StepKind.Retry:
                var options = new RetryOptions(TimeSpan.FromMilliseconds(1), 20);
                return $"r{await script.Context.ScheduleWithRetry<int>("Retry", "", options, $"{script.InstanceId} {index}|{step.Number}")} ";
            case StepKind.Sleep:
                await script.SleepAsync(TimeSpan.FromMilliseconds(step.Number));
                return "s ";
            case StepKind.Early:
                return $"e{await script.EventAsync<int>(name)} ";
            case StepKind.Child:
                try
                {
                    return $"({await script.Context.CreateSubOrchestrationInstance<string>(Name, "", $"{script.InstanceId}.{index}", new Plan(step.Inner))}) ";
                }
                catch (SubOrchestrationFailedException)
                {
                    return "(!) ";
                }

            default:
                await script.CallAsync<bool>("Wish", new Wish(script.InstanceId, script.Context.OrchestrationInstance.ExecutionId, step.Kind, name, index));
                return $"e{await script.EventAsync<int>(step.Kind == StepKind.End ? "never" : name)} ";
        }
    }
}

/// <summary>Random cases: some ids, each with plans that are run one after the other under it, and how far the work comes from one crash to the next.</summary>
internal sealed record PlanCase(Plan[][] Ids, int[] Crashes)
{
    private static readonly Gen<Step> Plain = Gen.Frequency(
        (5, Of(StepKind.Call)), (2, Of(StepKind.Many)), (1, Of(StepKind.Fail)), (2, Of(StepKind.Retry)), (2, Of(StepKind.Sleep)), (2, Of(StepKind.Event)),
        (1, Of(StepKind.Pause)), (2, Of(StepKind.Again)));

    private static readonly Gen<Step> Grandchild = Gen.Frequency(
        (8, Plain), (1, Plain.Array[0, 3].Select(Gen.Bool, (steps, ends) => new Step(StepKind.Child, 0, WithEnd(steps, ends)))));

    private static readonly Gen<Step> Any = Gen.Frequency(
        (8, Plain), (1, Of(StepKind.Early)), (2, Grandchild.Array[0, 4].Select(Gen.Bool, (steps, ends) => new Step(StepKind.Child, 0, WithEnd(steps, ends)))));

    private static readonly Gen<Plan> Plans = Any.Array[0, 6].Select(Gen.Int[0, 4], (steps, ends) => new Plan(WithEnd(steps, ends == 0)));

    public static Gen<PlanCase> Cases { get; } = Plans.Array[1, 2].Array[1, 4].Select(Gen.Int[1, 25].Array[1, 4], (ids, crashes) => new PlanCase(ids, crashes));

    public override string ToString()
        => $"{string.Join("; ", Ids.Select(plans => string.Join(" then ", plans.Select(plan => $"[{string.Join(", ", plan.Steps.AsEnumerable())}]"))))}; crashes {string.Join(", ", Crashes)}";

    private static Gen<Step> Of(StepKind kind) => Gen.Int[1, 5].Select(number => new Step(kind, number, []));

    private static Step[] WithEnd(Step[] steps, bool ends) => ends ? [.. steps, new Step(StepKind.End, 0, [])] : steps;
}
