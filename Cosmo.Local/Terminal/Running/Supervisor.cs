using Cosmo.Local.Terminal.Processes;

namespace Cosmo.Local.Terminal.Running;

/// <summary>Starts again whatever ends by itself, later and later if it keeps ending.</summary>
internal sealed class Supervisor(TimeProvider time, Action<string> say)
{
    private static readonly TimeSpan Steady = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(30);

    /// <summary>Keeps a process until the token is cancelled.</summary>
    /// <param name="name">Its name, for messages.</param>
    /// <param name="process">The process as it runs.</param>
    /// <param name="restart">Starts it again.</param>
    public async Task KeepAsync(string name, ChildProcess process, Func<ChildProcess> restart, CancellationToken cancellationToken)
    {
        var delay = TimeSpan.Zero;
        try
        {
            while (true)
            {
                var began = time.GetTimestamp();
                await process.Ended.WaitAsync(cancellationToken);
                delay = time.GetElapsedTime(began) >= Steady ? TimeSpan.Zero : delay;
                say($"{name} ended by itself (see logs/{name}.log); starting it again in {delay.TotalSeconds} s.");
                await Task.Delay(delay, time, cancellationToken);
                delay = Next(delay);
                process = restart();
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
    }

    /// <summary>0, 1, 3, 7, 15 and then 30 seconds.</summary>
    internal static TimeSpan Next(TimeSpan delay)
    {
        var next = (delay * 2) + TimeSpan.FromSeconds(1);
        return next < LongestDelay ? next : LongestDelay;
    }
}
