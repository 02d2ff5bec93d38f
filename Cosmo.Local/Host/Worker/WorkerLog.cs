using System.Collections.Concurrent;
using System.Globalization;
using Cosmo.Local.Host.Worker.Protocol;

namespace Cosmo.Local.Host.Worker;

/// <summary>Writes the worker's log lines into the host's log, under the category that they have there.</summary>
internal sealed class WorkerLog(ILoggerFactory logs)
{
    /// <summary>The category of what the worker's process writes to its console.</summary>
    public const string Console = "Host.Function.Console";

    private readonly ConcurrentDictionary<string, ILogger> _loggers = new();

    public void Write(RpcLog line)
    {
        if (line.LogCategory == RpcLog.Types.RpcLogCategory.CustomMetric || line.Level == RpcLog.Types.Level.None)
        {
            return;
        }

        var logger = _loggers.GetOrAdd(line.Category, logs.CreateLogger);
        var id = int.TryParse(line.EventId, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
        logger.Log((LogLevel)line.Level, id, line, null, Text);
    }

    private static string Text(RpcLog line, Exception? none) => Plain(
        line.Exception is { Message.Length: > 0 } error ? $"{line.Message}{Environment.NewLine}{error.Message}{Environment.NewLine}{error.StackTrace}" : line.Message);

    // The console puts line feeds into a line of its own. A name that somebody sent may hold another control character, which a terminal obeys.
    private static string Plain(string text) => string.Concat(text.Select(letter => char.IsControl(letter) && letter is not '\n' ? ' ' : letter));
}
