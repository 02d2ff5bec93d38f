using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Hosting;

/// <summary>Starts orchestrations of which one at a time may run, whichever instance of the app starts them.</summary>
internal static class SingleInstance
{
    /// <summary>Those that have ended are started anew, whatever a backend's default is.</summary>
    private static readonly OrchestrationRuntimeStatus[] Running =
        [OrchestrationRuntimeStatus.Pending, OrchestrationRuntimeStatus.Running, OrchestrationRuntimeStatus.Suspended];

    /// <summary>False if one with this id runs already.</summary>
    public static async Task<bool> TryStartAsync(
        DurableTaskClient client, string orchestrator, string instanceId, object input, CancellationToken cancellationToken)
    {
        if (await IsRunningAsync(client, instanceId, cancellationToken))
        {
            return false;
        }

        try
        {
            await client.ScheduleNewOrchestrationInstanceAsync(
                orchestrator, input, new StartOrchestrationOptions(instanceId).WithDedupeStatuses(Running), cancellationToken);
            return true;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Another instance of the app may have been faster; backends say so with different exceptions.
            if (await IsRunningAsync(client, instanceId, cancellationToken))
            {
                return false;
            }

            throw;
        }
    }

    private static async Task<bool> IsRunningAsync(DurableTaskClient client, string instanceId, CancellationToken cancellationToken) =>
        await client.GetInstanceAsync(instanceId, cancellationToken) is { IsCompleted: false };
}
