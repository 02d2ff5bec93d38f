using Cosmo.Local.Host.Worker.Protocol;

namespace Cosmo.Local.Host.Worker;

/// <summary>
/// Keeps one worker running: one that dies is started again, later and later if it keeps dying, until it is given up. While there is none,
/// invocations wait.
/// </summary>
internal sealed class WorkerSupervisor(WorkerStart start, TimeProvider time, ILogger<WorkerSupervisor> logger) : IAsyncDisposable
{
    /// <summary>A worker that lived this long is no part of a row of deaths.</summary>
    public static readonly TimeSpan LongLife = TimeSpan.FromSeconds(10);

    /// <summary>How many workers may die in a row.</summary>
    public const int MaxDeaths = 8;

    /// <summary>
    /// What a worker says that found its port in use: its library looks for a free one and listens there a little later, and a connection may have been given it
    /// by then.
    /// </summary>
    private const string PortTaken = "address already in use";

    /// <summary>So often the first worker is started for that reason.</summary>
    private const int FirstTries = 3;

    /// <summary>The Durable extension knows this failure by its words, and repeats the step.</summary>
    private const string NoWorker = "Did not find any initialized language workers.";

    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan InvocationPatience = TimeSpan.FromSeconds(60);

    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource<string> _gaveUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource<RunningWorker> _current = NewTurn();
    private Task _watching = Task.CompletedTask;
    private RunningWorker? _replacing;

    /// <summary>Completes with a sentence when too many workers have died in a row.</summary>
    public Task<string> GaveUp => _gaveUp.Task;

    /// <summary>The worker that takes invocations; null while there is none.</summary>
    public RunningWorker? Current => Volatile.Read(ref _current).Task is { IsCompletedSuccessfully: true } ready ? ready.Result : null;

    /// <summary>Starts the first worker.</summary>
    /// <exception cref="StartupException">It does not start.</exception>
    public async Task<RunningWorker> StartAsync(CancellationToken cancellationToken)
    {
        var worker = await StartFirstAsync(cancellationToken);
        Ready(worker);
        _watching = WatchAsync(worker);
        return worker;
    }

    private async Task<RunningWorker> StartFirstAsync(CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await RunningWorker.StartAsync(start, Leave, cancellationToken);
            }
            catch (StartupException error) when (tries < FirstTries && error.Message.Contains(PortTaken, StringComparison.OrdinalIgnoreCase))
            {
                Log.WorkerRestartFailed(logger, error.Message, 0);
            }
        }
    }

    /// <summary>The worker that takes invocations now, or the next one.</summary>
    /// <exception cref="InvalidOperationException">There is none for a minute.</exception>
    public async Task<RunningWorker> GetAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await Volatile.Read(ref _current).Task.WaitAsync(InvocationPatience, time, cancellationToken);
        }
        catch (TimeoutException error)
        {
            throw new InvalidOperationException(NoWorker, error);
        }
    }

    /// <summary>Runs a function in the worker, after waiting for one where there is none.</summary>
    /// <exception cref="WorkerProcessExitException">The worker died while the function ran.</exception>
    /// <exception cref="InvalidOperationException">There was none for a minute, or until the waiting was given up.</exception>
    public async Task<InvocationResponse> InvokeAsync(string function, InvocationRequest request, CancellationToken cancellationToken)
    {
        while (true)
        {
            // One that dies between the two is no longer given.
            var worker = await GetForInvocationAsync(cancellationToken);
            if (await worker.InvokeAsync(function, request, cancellationToken) is { } response)
            {
                return response;
            }
        }
    }

    /// <summary>A host that stops gives up waiting, too. The Durable extension would take a cancellation for the failure of the orchestration, which would have ended for good.</summary>
    private async Task<RunningWorker> GetForInvocationAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await GetAsync(cancellationToken);
        }
        catch (OperationCanceledException error)
        {
            throw new InvalidOperationException(NoWorker, error);
        }
    }

    /// <summary>Ends the worker that runs now and has it started again at once; what it runs fails.</summary>
    public void Replace()
    {
        if (Current is { } worker)
        {
            Volatile.Write(ref _replacing, worker);
            worker.Kill();
        }
    }

    /// <summary>Asks the worker to end, and ends it after a while.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
        {
            return;
        }

        await _stopping.CancelAsync();
        Volatile.Read(ref _current).TrySetException(new InvalidOperationException(NoWorker));
        await _watching;
        if (Current is { } worker)
        {
            await worker.TerminateAsync();
            await worker.DisposeAsync();
        }
    }

    private static TaskCompletionSource<RunningWorker> NewTurn() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Ready(RunningWorker worker)
    {
        Log.WorkerReady(logger, worker.ProcessId, worker.Functions.Count);
        _current.TrySetResult(worker);
        if (worker.HasLeft)
        {
            Leave(worker);
        }
    }

    private void Leave(RunningWorker worker)
    {
        var current = Volatile.Read(ref _current);
        if (current.Task is { IsCompletedSuccessfully: true } ready && ready.Result == worker)
        {
            Interlocked.CompareExchange(ref _current, NewTurn(), current);
        }
    }

    private async Task WatchAsync(RunningWorker worker)
    {
        try
        {
            var deaths = 0;
            while (true)
            {
                var since = time.GetTimestamp();
                var end = await worker.Ended.WaitAsync(_stopping.Token);
                await worker.DisposeAsync();
                if (ReferenceEquals(Interlocked.Exchange(ref _replacing, null), worker))
                {
                    deaths = 0;
                }
                else
                {
                    deaths = time.GetElapsedTime(since) >= LongLife ? 1 : deaths + 1;
                    Log.WorkerDied(logger, end.Message, Delay(deaths).TotalSeconds);
                }

                (worker, deaths) = await StartAgainAsync(deaths, end.Message);
                Ready(worker);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
        }
        catch (StartupException error)
        {
            _gaveUp.TrySetResult(error.Message);
        }
    }

    /// <returns>The next worker, and how many have died before it.</returns>
    /// <exception cref="StartupException">Too many have.</exception>
    private async Task<(RunningWorker Worker, int Deaths)> StartAgainAsync(int deaths, string reason)
    {
        while (true)
        {
            if (deaths >= MaxDeaths)
            {
                throw new StartupException($"The worker of {start.App.Folder} died {deaths} times in a row, so the host gives up. The last time: {reason}");
            }

            await Task.Delay(Delay(deaths) * (0.75 + (Random.Shared.NextDouble() / 2)), time, _stopping.Token);
            try
            {
                return (await RunningWorker.StartAsync(start, Leave, _stopping.Token), deaths);
            }
            catch (StartupException error)
            {
                deaths++;
                reason = error.Message;
                Log.WorkerRestartFailed(logger, reason, Delay(deaths).TotalSeconds);
            }
        }
    }

    /// <summary>None before the first new start, then twice as long each time.</summary>
    private static TimeSpan Delay(int deaths) => deaths <= 1 ? TimeSpan.Zero : TimeSpan.FromTicks(Math.Min(FirstDelay.Ticks << (deaths - 2), LongestDelay.Ticks));
}
