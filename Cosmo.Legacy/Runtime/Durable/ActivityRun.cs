using System.Diagnostics;
using Cosmo.Local.Runtime.Durable.History;
using Cosmo.Local.Runtime.Durable.Storage;
using Microsoft.DurableTask;

namespace Cosmo.Local.Runtime.Durable;

/// <summary>Runs one activity and hands in how it ended. If the process dies before that, it runs again.</summary>
internal sealed class ActivityRun(DurableStore store, IDurableFunctions functions, DataConverter converter, ILoggerFactory loggers)
{
    private static readonly ActivitySource Traces = new("Cosmo");

    private readonly ILogger _logger = loggers.CreateLogger<ActivityRun>();
    private int _running;

    /// <summary>How many run now.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <param name="activityId">The activity.</param>
    /// <param name="cancellation">Tells the activity that the engine does not wait any longer; how it ends after that is not handed in.</param>
    public async Task<Wakeups> RunAsync(long activityId, CancellationToken cancellation)
    {
        if (store.Read(session => ActivityTable.Find(session, activityId)) is not { } activity)
        {
            return new Wakeups();
        }

        Interlocked.Increment(ref _running);
        try
        {
            var end = await RunAsync(activity, cancellation);
            return end is null ? new Wakeups() : await store.CommitAsync(session => ActivityTable.Finish(session, activity, end));
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private async Task<HistoryEvent?> RunAsync(PendingActivity activity, CancellationToken cancellation)
    {
        var (taskId, name, input) = activity.Task;
        if (!functions.HasActivity(name))
        {
            var missing = new MissingFunctionException($"No activity function is called '{name}'.");
            Log.ActivityFailed(_logger, name, taskId, activity.InstanceId, missing.GetType().Name);
            return new TaskFailed(taskId, TaskFailureDetails.FromException(missing), IsNonRetriable: true);
        }

        using var span = Traces.StartActivity($"activity:{name}", ActivityKind.Internal, activity.TraceParent);
        span?.SetTag("durabletask.task.instance_id", activity.InstanceId);
        try
        {
            var result = await functions.RunActivityAsync(
                name, activity.InstanceId, type => converter.Deserialize(input, type), cancellation);
            return new TaskCompleted(taskId, converter.Serialize(result));
        }
        catch (Exception) when (cancellation.IsCancellationRequested)
        {
            Log.ActivityInterrupted(_logger, name, taskId, activity.InstanceId);
            return null;
        }
        catch (Exception error)
        {
            span?.SetStatus(ActivityStatusCode.Error);
            Log.ActivityFailed(_logger, name, taskId, activity.InstanceId, error.GetType().Name);
            Log.ActivityFailure(_logger, name, taskId, activity.InstanceId, error);
            return new TaskFailed(taskId, TaskFailureDetails.FromException(error));
        }
    }
}
