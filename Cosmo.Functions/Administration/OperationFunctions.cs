using Cosmo.Functions.Administration.Deletion;
using Cosmo.Functions.Administration.Replaying;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Threads.Index;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Administration;

/// <summary>Long work on threads and dead letters: how far it has come, and its end before time.</summary>
internal sealed class OperationFunctions(TimeProvider clock, ILogger<OperationFunctions> logger)
{
    [Function("GetOperation")]
    public async Task<IActionResult> GetAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "get", Route = "operations/{operation}")] HttpRequest request,
        string operation,
        [DurableClient] DurableTaskClient client,
        FunctionContext context) =>
        await FindAsync(operation, client, context.CancellationToken) is { } instance ? HttpAnswers.Json(Describe(operation, instance)) : Unknown();

    /// <summary>A deletion or a replay ends after the batch that it is at. What is done is done; starting it again does the rest.</summary>
    [Function("CancelOperation")]
    public async Task<IActionResult> CancelAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "delete", Route = "operations/{operation}")] HttpRequest request,
        string operation,
        [DurableClient] DurableTaskClient client,
        FunctionContext context)
    {
        if (await FindAsync(operation, client, context.CancellationToken) is not { } instance)
        {
            return Unknown();
        }

        if (instance.IsCompleted)
        {
            return HttpAnswers.Problem(StatusCodes.Status409Conflict, "It has ended", "What does not run cannot be cancelled.");
        }

        if (operation == ThreadIndexing.InstanceId)
        {
            await client.TerminateInstanceAsync(operation, context.CancellationToken);
        }
        else
        {
            await client.RaiseEventAsync(operation, ThreadDeletion.CancelRequested, true, context.CancellationToken);
        }

        logger.OperationCancelled(operation);
        return HttpAnswers.Json(Describe(operation, instance), StatusCodes.Status202Accepted);
    }

    private static async Task<OrchestrationMetadata?> FindAsync(string operation, DurableTaskClient client, CancellationToken cancellationToken) =>
        operation is ThreadIndexing.InstanceId or ThreadDeletion.PruningId or ThreadDeletion.DeletionId or DeadLetterReplay.InstanceId
            ? await client.GetInstanceAsync(operation, getInputsAndOutputs: true, cancellationToken)
            : null;

    private static IActionResult Unknown() => HttpAnswers.Problem(
        StatusCodes.Status404NotFound,
        "No such operation",
        $"There are {ThreadDeletion.DeletionId}, {ThreadDeletion.PruningId}, {ThreadIndexing.InstanceId} and {DeadLetterReplay.InstanceId}; this one has not run yet, or its history was purged.");

    private object Describe(string operation, OrchestrationMetadata instance)
    {
        var replay = operation == DeadLetterReplay.InstanceId ? Read<ReplayProgress>(instance) : null;

        // What continues as new is created anew.
        var createdAt = replay?.StartedAt ?? instance.CreatedAt;
        return new
        {
            Operation = operation,
            Status = StatusOf(operation, instance),
            Progress = operation switch
            {
                ThreadIndexing.InstanceId => (object?)Read<IndexingProgress>(instance),
                DeadLetterReplay.InstanceId => replay,
                _ => Read<DeletionProgress>(instance),
            },
            CreatedAt = createdAt,
            instance.LastUpdatedAt,
            Seconds = instance.Seconds(createdAt, clock),
            Failure = instance.FailureDetails?.ErrorMessage,
        };
    }

    /// <summary>An orchestration completes although what it did was cancelled, and one that is terminated was so by an operator.</summary>
    private static string StatusOf(string operation, OrchestrationMetadata instance) =>
        instance.RuntimeStatus == OrchestrationRuntimeStatus.Terminated || (instance.IsCompleted && PhaseOf(operation, instance) == "cancelled") ? "cancelled" : instance.Word();

    private static string? PhaseOf(string operation, OrchestrationMetadata instance) => operation switch
    {
        ThreadIndexing.InstanceId => null,
        DeadLetterReplay.InstanceId => Read<ReplayProgress>(instance)?.Phase,
        _ => Read<DeletionProgress>(instance)?.Phase,
    };

    private static T? Read<T>(OrchestrationMetadata instance)
        where T : class => instance.SerializedCustomStatus is null ? null : instance.ReadCustomStatusAs<T>();
}

/// <summary>How operators are told of an orchestration.</summary>
internal static class OrchestrationMetadataExtensions
{
    /// <summary>Its status as a word.</summary>
    public static string Word(this OrchestrationMetadata instance) => instance.RuntimeStatus.ToString().ToLowerInvariant();

    /// <summary>How long it has run, or ran.</summary>
    public static double Seconds(this OrchestrationMetadata instance, TimeProvider clock) => instance.Seconds(instance.CreatedAt, clock);

    /// <summary>How long it has run, or ran, since this moment.</summary>
    public static double Seconds(this OrchestrationMetadata instance, DateTimeOffset since, TimeProvider clock) =>
        Math.Round(((instance.IsCompleted ? instance.LastUpdatedAt : clock.GetUtcNow()) - since).TotalSeconds, 3);
}
