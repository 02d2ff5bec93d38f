using System.ClientModel.Primitives;
using Cosmo.Functions.Hosting;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Assistants;

/// <summary>Runs calls that are not streamed: each try within its time limit, passing failures tried again.</summary>
internal sealed class ServiceCalls(IOptions<AssistantOptions> options, TimeProvider clock, ILogger<ServiceCalls> logger)
{
    private const int MaxTries = 4;

    /// <summary>After so long no try begins: with the last one's time limit it is over before a client's patience is, so that the true cause is told.</summary>
    private static readonly TimeSpan TriesBegin = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromSeconds(20);

    private readonly TimeSpan _timeLimit = TimeSpan.FromSeconds(options.Value.CallTimeoutSeconds);

    /// <summary>Runs the call. Throws <see cref="AssistantException"/>, and <see cref="OperationCanceledException"/> only for the caller's token.</summary>
    /// <param name="call">The call.</param>
    /// <param name="retrying">Is told before each wait for another try.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<T> RunAsync<T>(Func<RequestOptions, Task<T>> call, Func<Task>? retrying, CancellationToken cancellationToken)
    {
        var (result, fault) = await RepeatAsync(call, retrying, cancellationToken);
        return fault is null ? result! : throw fault.ToException();
    }

    /// <summary>Runs the call; null if what it is about does not exist. Throws as <see cref="RunAsync"/>.</summary>
    public async Task<T?> FindAsync<T>(Func<RequestOptions, Task<T>> call, CancellationToken cancellationToken)
        where T : class
    {
        var (result, fault) = await RepeatAsync(call, retrying: null, cancellationToken);
        return fault is null || fault.Status == 404 ? result : throw fault.ToException();
    }

    /// <summary>Runs the call once.</summary>
    public async Task<(T? Result, Fault? Fault)> TryAsync<T>(Func<RequestOptions, Task<T>> call, CancellationToken cancellationToken)
    {
        using var limit = new TimeLimit(_timeLimit, clock, cancellationToken);
        try
        {
            return (await call(new RequestOptions { CancellationToken = limit.Token }), null);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception exception) when (Fault.Of(exception, clock.GetUtcNow()) is { } fault)
        {
            return (default, fault);
        }
    }

    private async Task<(T? Result, Fault? Fault)> RepeatAsync<T>(Func<RequestOptions, Task<T>> call, Func<Task>? retrying, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(FirstDelay, LongestDelay, clock)
        {
            MaxTries = MaxTries,
            Until = Backoff.After(TriesBegin, clock),
            LongestRetryAfter = LongestRetryAfter,
            Waiting = retrying,
        };
        while (true)
        {
            var (result, fault) = await TryAsync(call, cancellationToken);
            if (fault is null)
            {
                return (result, null);
            }

            logger.TryFailed(backoff.Try, fault.Failure, fault.Message, fault.Cause);
            logger.ServiceSaid(fault.ServiceText);
            if (!fault.MayPass || !await backoff.WaitAsync(fault.RetryAfter, cancellationToken))
            {
                return (default, fault);
            }
        }
    }
}
