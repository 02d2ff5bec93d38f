using System.Runtime.CompilerServices;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Azure.Functions.Worker.Middleware;

namespace Cosmo.Functions.Hosting.Observability;

/// <summary>
/// Brings every log line to the host, whose console and exporters they would miss otherwise. The host drops each line that names no invocation that runs: those of
/// start-up and of background services, and, once the worker exports its telemetry itself, all others too, since they then name it by another key
/// (seen with version 1.2.0 of the worker's OpenTelemetry package; <c>GrpcFunctionsHostLogWriter</c> and <c>GrpcWorkerChannel.Log</c> in their sources).
/// </summary>
internal static class LogRoutes
{
    /// <summary>The key of the invocation's id that the worker looks for in the scopes of a line.</summary>
    private const string InvocationIdKey = "AzureFunctions_InvocationId";

    public static FunctionsApplicationBuilder RouteLogsToHost(this FunctionsApplicationBuilder builder)
    {
        builder.UseMiddleware<NamesInvocation>();
        builder.Services.AddSingleton<ILoggerProvider, ConsoleOutsideInvocations>();
        return builder;
    }

    /// <summary>Names the invocation to whatever is logged in it.</summary>
    private sealed class NamesInvocation(ILoggerFactory loggers) : IFunctionsWorkerMiddleware
    {
        private readonly ILogger _logger = loggers.CreateLogger(nameof(LogRoutes));

        public async Task Invoke(FunctionContext context, FunctionExecutionDelegate next)
        {
            var invocation = new Invocation(context.InvocationId);
            using (_logger.BeginScope(invocation))
            {
                try
                {
                    await next(context);
                }
                finally
                {
                    invocation.HasEnded = true;
                }
            }
        }
    }

    /// <summary>A scope that stays with work that outlives its invocation, and then says so.</summary>
    private sealed class Invocation(string id) : List<KeyValuePair<string, object>>([new(InvocationIdKey, id)])
    {
        public volatile bool HasEnded;
    }

    /// <summary>
    /// Writes what belongs to no running invocation to the process's own output, a line each: the host takes that for its log, what stands on the error output as a
    /// warning or an error by its first word.
    /// </summary>
    private sealed class ConsoleOutsideInvocations : ILoggerProvider, ISupportExternalScope
    {
        private IExternalScopeProvider _scopes = new LoggerExternalScopeProvider();

        public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

        public ILogger CreateLogger(string categoryName) => new Line(this, categoryName);

        public void Dispose()
        {
        }

        private bool IsInInvocation()
        {
            var found = new StrongBox<bool>();
            _scopes.ForEachScope(static (scope, found) => found.Value |= scope is Invocation { HasEnded: false }, found);
            return found.Value;
        }

        private sealed class Line(ConsoleOutsideInvocations console, string category) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state)
                where TState : notnull => console._scopes.Push(state);

            public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            {
                if (!console.IsInInvocation())
                {
                    var word = logLevel switch { LogLevel.Critical => "crit", LogLevel.Error => "fail", LogLevel.Warning => "warn", LogLevel.Information => "info", _ => "dbug" };
                    var text = $"{word}: {category}[{eventId.Id}] {formatter(state, exception)} {exception}".TrimEnd();
                    (logLevel >= LogLevel.Warning ? Console.Error : Console.Out).WriteLine(OneLine(text));
                }
            }

            // A name that somebody sent may hold what ends a line, or what a terminal takes for a command.
            private static string OneLine(string text) => string.Create(text.Length, text, static (line, from) =>
            {
                for (var i = 0; i < line.Length; i++)
                {
                    line[i] = char.IsControl(from[i]) || from[i] is '\u2028' or '\u2029' ? ' ' : from[i];
                }
            });
        }
    }
}
