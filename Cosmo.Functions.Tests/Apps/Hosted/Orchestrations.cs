using System.Text.Json.Nodes;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Entities;

namespace Hosted;

internal static class Orchestrations
{
    /// <summary>Counts down by itself, once more each time, as a new run.</summary>
    [Function(nameof(CountDown))]
    public static async Task<string> CountDown([OrchestrationTrigger] TaskOrchestrationContext context, int from)
    {
        if (from == 0)
        {
            return await context.CallActivityAsync<string>(nameof(Cities.Greet), "Zero");
        }

        context.ContinueAsNew(from - 1);
        return "";
    }

    /// <summary>Doubles each number in an orchestration of its own.</summary>
    [Function(nameof(DoubleAll))]
    public static async Task<int[]> DoubleAll([OrchestrationTrigger] TaskOrchestrationContext context, int[] numbers) =>
        await Task.WhenAll(numbers.Select(number => context.CallSubOrchestratorAsync<int>(nameof(Double), number)));

    [Function(nameof(Double))]
    public static Task<int> Double([OrchestrationTrigger] TaskOrchestrationContext context, int number) => Task.FromResult(2 * number);

    /// <summary>Calls an activity that fails at first, as often as its input says.</summary>
    [Function(nameof(Persist))]
    public static Task<int> Persist([OrchestrationTrigger] TaskOrchestrationContext context, int failures) =>
        context.CallActivityAsync<int>(nameof(Activities.FailAtFirst), new Attempt(context.InstanceId, failures), Retry(failures + 1));

    /// <summary>Tells how an activity failed, as the orchestrator sees it.</summary>
    [Function(nameof(DescribeFailure))]
    public static async Task<JsonNode> DescribeFailure([OrchestrationTrigger] TaskOrchestrationContext context)
    {
        try
        {
            await context.CallActivityAsync<string>(nameof(Activities.Fail), "a text");
            return new JsonObject();
        }
        catch (TaskFailedException error)
        {
            return new JsonObject
            {
                ["type"] = error.FailureDetails.ErrorType,
                ["message"] = error.FailureDetails.ErrorMessage,
                ["innerType"] = error.FailureDetails.InnerFailure?.ErrorType,
                ["innerMessage"] = error.FailureDetails.InnerFailure?.ErrorMessage,
                ["isCausedByInvalidOperation"] = error.FailureDetails.IsCausedBy<InvalidOperationException>(),
            };
        }
    }

    /// <summary>Calls one activity, with as many tries as are asked for, and gives its result or the type of its failure.</summary>
    [Function(nameof(CallActivity))]
    public static async Task<string> CallActivity([OrchestrationTrigger] TaskOrchestrationContext context, Call call)
    {
        try
        {
            return await context.CallActivityAsync<string>(call.Activity, call.Input, Retry(call.Tries));
        }
        catch (TaskFailedException error)
        {
            return error.FailureDetails.ErrorType;
        }
    }

    /// <summary>Sends bytes through an activity.</summary>
    [Function(nameof(ReverseBytes))]
    public static async Task<string> ReverseBytes([OrchestrationTrigger] TaskOrchestrationContext context, byte[] bytes) =>
        Convert.ToBase64String(await context.CallActivityAsync<byte[]>(nameof(Activities.Reverse), bytes));

    [Function(nameof(AwaitEvent))]
    public static Task<string> AwaitEvent([OrchestrationTrigger] TaskOrchestrationContext context) => context.WaitForExternalEvent<string>("Go");

    [Function(nameof(AwaitTimer))]
    public static async Task<string> AwaitTimer([OrchestrationTrigger] TaskOrchestrationContext context)
    {
        context.SetCustomStatus("waiting");
        await context.CreateTimer(TimeSpan.FromMilliseconds(200), CancellationToken.None);
        return "rang";
    }

    /// <summary>Adds to a counter that outlives the orchestration, and reads it.</summary>
    [Function(nameof(AddToCounter))]
    public static async Task<int> AddToCounter([OrchestrationTrigger] TaskOrchestrationContext context, int amount)
    {
        var counter = new EntityInstanceId(nameof(Counter), "shared");
        await context.Entities.CallEntityAsync(counter, "add", amount);
        return await context.Entities.CallEntityAsync<int>(counter, "get");
    }

    [Function(nameof(Counter))]
    public static Task Counter([EntityTrigger] TaskEntityDispatcher dispatcher) => dispatcher.DispatchAsync<CounterEntity>();

    private static TaskOptions Retry(int tries) => TaskOptions.FromRetryPolicy(new RetryPolicy(tries, TimeSpan.FromMilliseconds(100)));
}

/// <summary>What <see cref="Orchestrations.CallActivity"/> calls.</summary>
internal sealed record Call(string Activity, string Input, int Tries);

internal sealed record Attempt(string Instance, int Failures);

internal sealed class CounterEntity : TaskEntity<int>
{
    public void Add(int amount) => State += amount;

    public int Get() => State;
}
