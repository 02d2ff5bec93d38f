using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Cosmo.Functions.Tests;

/// <summary>Keeps what is logged, as text with the exceptions.</summary>
internal sealed class RecordedLogs : ILoggerProvider
{
    private readonly ConcurrentQueue<string> _lines = new();

    public string Text => string.Join('\n', _lines);

    /// <summary>Waits until a line holds the text, for a minute at most.</summary>
    /// <exception cref="TimeoutException">None had.</exception>
    public Task WaitForAsync(string text, CancellationToken cancellationToken) => Eventually.IsSoAsync(
        () => Text.Contains(text, StringComparison.Ordinal), () => $"No line has \"{text}\". The lines are:\n{Text}", cancellationToken);

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
