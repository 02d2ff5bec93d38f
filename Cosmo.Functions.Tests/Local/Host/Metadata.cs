using System.Text.Json.Nodes;
using System.Threading.Channels;
using Cosmo.Local.Host.Functions;

namespace Cosmo.Functions.Tests.Local.Host;

/// <summary>Functions as a worker describes them: a name, and a JSON object for each binding.</summary>
internal static class Metadata
{
    public static FunctionDefinition Named(string name, params string[] bindings) => new(name, [.. bindings.Select(Binding)], null);

    public static FunctionDefinition Queue(string name, string parameter = "message", string dataType = "String") =>
        Named(name, $$"""{"name": "{{parameter}}", "direction": "In", "type": "rabbitMQTrigger", "dataType": "{{dataType}}", "queueName": "%QUEUE%", "connectionStringSetting": "BROKER", "properties": {} }""");

    public static FunctionDefinition Timer(string name, string schedule, string more = "") =>
        Named(name, $$"""{"name": "timer", "direction": "In", "type": "timerTrigger", "schedule": "{{schedule}}"{{more}}, "properties": {} }""");

    public static FunctionDefinition Http(string name, string? route = null, string level = "Anonymous", params string[] methods) => Named(
        name,
        $$"""{"name": "request", "direction": "In", "type": "httpTrigger", "authLevel": "{{level}}", "methods": [{{string.Join(',', methods.Select(method => $"\"{method}\""))}}]{{(route is null ? "" : $", \"route\": \"{route}\"")}}, "properties": {} }""",
        """{"name": "$return", "type": "http", "direction": "Out"}""");

    private static FunctionBinding Binding(string text)
    {
        var json = JsonNode.Parse(text)!.AsObject();
        return new FunctionBinding(json["name"]!.ToString(), json["type"]!.ToString(), json);
    }
}

/// <summary>Hears what is invoked, and runs what a test gives it in the function's place.</summary>
internal sealed class FakeInvoker(Func<Invocation, Task>? run = null) : IFunctionInvoker
{
    private readonly Channel<Invocation> _invocations = Channel.CreateUnbounded<Invocation>();
    private int _count;

    /// <summary>How many invocations there were.</summary>
    public int Count => Volatile.Read(ref _count);

    public async Task InvokeAsync(FunctionDefinition function, TriggerInput input, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _count);
        var invocation = new Invocation(function, input, cancellationToken);
        _invocations.Writer.TryWrite(invocation);
        await (run?.Invoke(invocation) ?? Task.CompletedTask);
    }

    public ValueTask<Invocation> NextAsync(CancellationToken cancellationToken) => _invocations.Reader.ReadAsync(cancellationToken);
}

internal sealed record Invocation(FunctionDefinition Function, TriggerInput Input, CancellationToken CancellationToken)
{
    public string Text => (string)Input.Value!;
}
