using Microsoft.DurableTask;

namespace Cosmo.Functions.Answering;

/// <summary>Waits of orchestrations, by durable timers that leave nothing behind.</summary>
internal static class OrchestrationWait
{
    /// <summary>Waits until one of the tasks is done, or for so long: false if the time came first.</summary>
    public static async Task<bool> WaitAsync(this TaskOrchestrationContext context, TimeSpan longest, params IEnumerable<Task> tasks)
    {
        using var obsolete = new CancellationTokenSource();
        var timer = context.CreateTimer(longest, obsolete.Token);
        await Task.WhenAny([.. tasks, timer]);
        if (timer.IsCompleted)
        {
            return false;
        }

        // Not CancelAsync: its callbacks would run outside the orchestration.
        obsolete.Cancel();
        return true;
    }
}
