using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging;

namespace Hosted;

internal sealed class Activities(ILoggerFactory logs)
{
    private static readonly ConcurrentDictionary<string, int> Tries = new();

    [Function(nameof(Reverse))]
    public static byte[] Reverse([ActivityTrigger] byte[] bytes) => [.. bytes.AsEnumerable().Reverse()];

    [Function(nameof(Fail))]
    public static string Fail([ActivityTrigger] string text) =>
        throw new InvalidOperationException($"It failed: {text}.", new ArgumentException("The inner cause."));

    [Function(nameof(FailAtFirst))]
    public static int FailAtFirst([ActivityTrigger] Attempt attempt)
    {
        var tries = Tries.AddOrUpdate(attempt.Instance, 1, (_, before) => before + 1);
        return tries > attempt.Failures ? tries : throw new TimeoutException("Not yet.");
    }

    /// <summary>Ends the worker's process, unless the file is there that it leaves behind.</summary>
    [Function(nameof(KillWorkerOnce))]
    public static string KillWorkerOnce([ActivityTrigger] string path)
    {
        if (!File.Exists(path))
        {
            File.WriteAllText(path, "killed");
            Process.GetCurrentProcess().Kill();
        }

        return "survived";
    }

    /// <summary>Makes one file when it runs, and ends when another is there or when it is told to stop; then it says which.</summary>
    [Function(nameof(Hold))]
    public static Task<string> Hold([ActivityTrigger] string path, FunctionContext context) => HoldAsync(path, context.CancellationToken);

    public static async Task<string> HoldAsync(string path, CancellationToken cancellationToken)
    {
        await File.WriteAllTextAsync(path + ".running", "", CancellationToken.None);
        try
        {
            while (!File.Exists(path + ".release"))
            {
                await Task.Delay(20, cancellationToken);
            }

            return "released";
        }
        catch (OperationCanceledException)
        {
            await File.WriteAllTextAsync(path + ".cancelled", "", CancellationToken.None);
            throw;
        }
    }

    /// <summary>Never ends, and takes no notice of being told to.</summary>
    [Function(nameof(Hang))]
    public static async Task<string> Hang([ActivityTrigger] string path)
    {
        await File.WriteAllTextAsync(path, "");
        await Task.Delay(Timeout.Infinite);
        return "";
    }

    /// <summary>Writes a line of each of two levels, in a category that host.json lets through and one that it quiets.</summary>
    [Function(nameof(Talk))]
    public string Talk([ActivityTrigger] string text)
    {
        foreach (var category in (string[])["Hosted.Loud", "Hosted.Quiet"])
        {
            var logger = logs.CreateLogger(category);
#pragma warning disable CA1848, CA1873, CA2254 // A test's app.
            logger.LogInformation($"information {text}");
            logger.LogWarning($"warning {text}");
#pragma warning restore CA1848, CA1873, CA2254
        }

        return text;
    }
}
