using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Cosmo.Functions.Tests;

/// <summary>Keeps what is logged, as text with the exceptions.</summary>
internal sealed class RecordedLogs : ILoggerProvider
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly ConcurrentQueue<string> _lines = new();

    public string Text => string.Join('\n', _lines);

    /// <summary>Waits until a line holds the text, for a minute at most.</summary>
    public async Task WaitForAsync(string text, CancellationToken cancellationToken)
    {
        for (var begun = Stopwatch.GetTimestamp(); !Text.Contains(text, StringComparison.Ordinal);)
        {
            if (Stopwatch.GetElapsedTime(begun) > Patience)
            {
                throw new TimeoutException($"No line has \"{text}\". The lines are:\n{Text}");
            }

            await Task.Delay(20, cancellationToken);
        }
    }

    public ILogger CreateLogger(string categoryName) => new Recorder(_lines);

    public void Dispose()
    {
    }

    private sealed class Recorder(ConcurrentQueue<string> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Enqueue($"{logLevel} {eventId.Id} {formatter(state, exception)} {exception}");
    }
}
