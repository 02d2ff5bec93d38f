using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Answering;

/// <summary>Asks this worker's Durable store whether a message's orchestration is over.</summary>
internal static class OrchestrationEnd
{
    /// <summary>
    /// False also for one that the store does not know, and for one that ended because another worker has the message: of that worker's it says nothing.
    /// </summary>
    public static async Task<bool> HasEndedAsync(this DurableTaskClient client, string instanceId, CancellationToken cancellationToken) =>
        (await client.GetInstanceAsync(instanceId, getInputsAndOutputs: true, cancellationToken)).HasEnded();

    /// <inheritdoc cref="HasEndedAsync" />
    public static bool HasEnded(this OrchestrationMetadata? instance) =>
        instance is { IsCompleted: true }
        && (instance.RuntimeStatus != OrchestrationRuntimeStatus.Completed || instance.ReadOutputAs<AnswerResult>()?.Outcome != AnswerResult.Duplicate);
}
