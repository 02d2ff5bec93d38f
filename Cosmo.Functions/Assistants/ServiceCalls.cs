using System.ClientModel.Primitives;
using Cosmo.Functions.Hosting;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Assistants;

/// <summary>Runs calls that are not streamed: each try within its time limit, passing failures tried again.</summary>
internal sealed class ServiceCalls(IOptions<AssistantOptions> options, TimeProvider clock, ILogger<ServiceCalls> logger)
{
    private const int MaxTries = 4;
    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromSeconds(20);

    private readonly TimeSpan _timeLimit = TimeSpan.FromSeconds(options.Value.CallTimeoutSeconds);

    /// <summary>Runs the call. Throws <see cref="AssistantException"/>, and <see cref="OperationCanceledException"/> only for the caller's token.</summary>
    public async Task<T> RunAsync<T>(Func<RequestOptions, Task<T>> call, CancellationToken cancellationToken)
    {
        var (result, fault) = await RepeatAsync(call, cancellationToken);
        return fault is null ? result! : throw fault.ToException();
    }

    /// <summary>Runs the call; null if what it is about does not exist. Throws as <see cref="RunAsync"/>.</summary>
    public async Task<T?> FindAsync<T>(Func<RequestOptions, Task<T>> call, CancellationToken cancellationToken)
        where T : class
    {
        var (result, fault) = await RepeatAsync(call, cancellationToken);
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

    private async Task<(T? Result, Fault? Fault)> RepeatAsync<T>(Func<RequestOptions, Task<T>> call, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(FirstDelay, LongestDelay, clock) { MaxTries = MaxTries, LongestRetryAfter = LongestRetryAfter };
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
