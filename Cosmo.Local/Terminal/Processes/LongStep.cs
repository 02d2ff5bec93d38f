namespace Cosmo.Local.Terminal.Processes;

/// <summary>A command that may take minutes: its output goes to a log, and every 15 seconds the screen says that it goes on.</summary>
internal static class LongStep
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    /// <summary>Runs the command to its end. Cancelled, it ends the command.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(Launch launch, string logPath, CancellationToken cancellationToken)
    {
        using var log = new LogFile(logPath);
        using var process = ChildProcess.Start(launch, log.Write);
        process.Input.Close();
        try
        {
            for (var waited = Interval; ; waited += Interval)
            {
                try
                {
                    return await process.Ended.WaitAsync(Interval, cancellationToken);
                }
                catch (TimeoutException)
                {
                    Console.WriteLine($"  still busy ({waited.TotalSeconds} s)");
                }
            }
        }
        catch (OperationCanceledException)
        {
            await process.EndAsync(Grace);
            throw;
        }
    }

    /// <summary>The error of a step that failed, with the end of its log before it.</summary>
    public static TerminalException Explain(string logPath, string sentence)
    {
        var lines = LogFile.End(logPath, 25);
        return new TerminalException(ExitCodes.Failed, string.Join('\n', [$"--- the end of {logPath}:", .. lines, "---", sentence]));
    }
}
