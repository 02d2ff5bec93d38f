using Cosmo.Functions.Hosting;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Administration;

/// <summary>
/// Timer: purges the history of orchestrations that have ended and began longer ago than it is kept, until the time of the run is up; what is left is
/// the next run's.
/// </summary>
internal sealed class PurgeHistory(IOptions<AdministrationOptions> options, TimeProvider clock, ILogger<PurgeHistory> logger)
{
    private static readonly TimeSpan LongestRun = TimeSpan.FromMinutes(5);

    private static readonly OrchestrationRuntimeStatus[] Ended =
        [OrchestrationRuntimeStatus.Completed, OrchestrationRuntimeStatus.Failed, OrchestrationRuntimeStatus.Terminated];

    [Function(nameof(PurgeHistory))]
    public async Task RunAsync([TimerTrigger("%HISTORY_PURGING_SCHEDULE%")] TimerInfo timer, [DurableClient] DurableTaskClient client, FunctionContext context)
    {
        var before = clock.GetUtcNow() - TimeSpan.FromDays(options.Value.HistoryDays);
        using var limit = new TimeLimit(LongestRun, clock, context.CancellationToken);
        try
        {
            var result = await client.PurgeAllInstancesAsync(new PurgeInstancesFilter(CreatedTo: before, Statuses: Ended), limit.Token);
            logger.HistoryPurged(result.PurgedInstanceCount, before);
        }
        catch (OperationCanceledException) when (limit.IsOver)
        {
            logger.HistoryLeft(before);
        }
    }
}
