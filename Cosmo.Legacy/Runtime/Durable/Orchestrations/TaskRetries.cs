using Microsoft.DurableTask;

namespace Cosmo.Local.Runtime.Durable.Orchestrations;

/// <summary>Tries a failed task again, as its options say. The pauses are durable timers.</summary>
internal sealed class TaskRetries(TaskOrchestrationContext context)
{
    public Task<T> RunAsync<T>(Func<Task<T>> attempt, TaskRetryOptions? retry) => retry switch
    {
        { Policy: { } policy } => RunAsync(attempt, failed => Task.FromResult(NextDelay(policy, failed))),
        { Handler: { } handler } => RunAsync(attempt, async failed => await handler(failed) ? TimeSpan.Zero : null),
        _ => attempt(),
    };

    private static TimeSpan? NextDelay(RetryPolicy policy, RetryContext failed)
    {
        var isLate = policy.RetryTimeout != Timeout.InfiniteTimeSpan && failed.TotalRetryTime >= policy.RetryTimeout;
        if (isLate || failed.LastAttemptNumber >= policy.MaxNumberOfAttempts || !policy.Handles(failed.LastFailure))
        {
            return null;
        }

        var delay = policy.FirstRetryInterval.TotalMilliseconds * Math.Pow(policy.BackoffCoefficient, failed.LastAttemptNumber - 1);
        var longest = policy.MaxRetryInterval == Timeout.InfiniteTimeSpan ? TimeSpan.MaxValue : policy.MaxRetryInterval;
        return delay < longest.TotalMilliseconds ? TimeSpan.FromMilliseconds(delay) : longest;
    }

    private async Task<T> RunAsync<T>(Func<Task<T>> attempt, Func<RetryContext, Task<TimeSpan?>> nextDelay)
    {
        var began = context.CurrentUtcDateTime;
        for (var number = 1; ; number++)
        {
            TimeSpan delay;
            try
            {
                return await attempt();
            }
            catch (TaskFailedException failed) when (!failed.IsNonRetriable)
            {
                var elapsed = context.CurrentUtcDateTime - began;
                var next = await nextDelay(new RetryContext(context, number, failed.FailureDetails, elapsed, CancellationToken.None));
                if (next is null)
                {
                    throw;
                }

                delay = next.Value;
            }

            if (delay > TimeSpan.Zero)
            {
                await context.CreateTimer(delay, CancellationToken.None);
            }
        }
    }
}
