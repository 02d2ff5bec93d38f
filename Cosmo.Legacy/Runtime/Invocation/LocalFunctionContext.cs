using Cosmo.Local.Runtime.Indexing;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Local.Runtime.Invocation;

/// <summary>One invocation, as the function sees it.</summary>
internal sealed class LocalFunctionContext(
    IndexedFunction function, IServiceProvider services, IReadOnlyDictionary<string, object?> bindingData, string? traceParent, string? traceState, CancellationToken cancellationToken)
    : FunctionContext
{
    public override string InvocationId { get; } = Guid.NewGuid().ToString();

    public override string FunctionId => function.Name;

    public override TraceContext TraceContext { get; } = new Trace(traceParent ?? "", traceState ?? "");

    public override BindingContext BindingContext { get; } = new Binding(bindingData);

    public override FunctionDefinition FunctionDefinition { get; } = new Definition(function);

    public override IServiceProvider InstanceServices { get; set; } = services;

    public override IDictionary<object, object> Items { get; set; } = new Dictionary<object, object>();

    public override CancellationToken CancellationToken => cancellationToken;

    private sealed class Trace(string traceParent, string traceState) : TraceContext
    {
        public override string TraceParent => traceParent;

        public override string TraceState => traceState;
    }

    private sealed class Binding(IReadOnlyDictionary<string, object?> data) : BindingContext
    {
        public override IReadOnlyDictionary<string, object?> BindingData => data;
    }

    private sealed class Definition(IndexedFunction function) : FunctionDefinition
    {
        public override string EntryPoint => function.EntryPoint;

        public override string Id => function.Name;

        public override string Name => function.Name;
    }
}
