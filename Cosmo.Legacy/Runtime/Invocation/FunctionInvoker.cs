using System.Diagnostics;
using System.Reflection;
using Cosmo.Local.Runtime.Indexing;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Local.Runtime.Invocation;

/// <summary>
/// Runs functions: an instance of the class for each invocation, made by dependency injection, a span around it
/// and the time limit of host.json.
/// </summary>
internal sealed class FunctionInvoker(IServiceProvider services, HostJson hostJson, ILogger<FunctionInvoker> logger)
{
    /// <summary>The worker's own name for its source of spans.</summary>
    public const string ActivitySourceName = "Microsoft.Azure.Functions.Worker";

    private static readonly ActivitySource Spans = new(ActivitySourceName);

    private readonly TimeSpan _timeout = hostJson.FunctionTimeout;

    /// <summary>Runs a function in a scope of its own.</summary>
    public async Task<object?> InvokeAsync(IndexedFunction function, Trigger trigger, CancellationToken cancellationToken)
    {
        await using var scope = services.CreateAsyncScope();
        return await InvokeAsync(function, trigger, scope.ServiceProvider, cancellationToken);
    }

    /// <summary>Runs a function; what it throws comes through.</summary>
    public async Task<object?> InvokeAsync(IndexedFunction function, Trigger trigger, IServiceProvider scope, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_timeout);
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        using var span = Spans.StartActivity(function.Name, trigger.Kind, trigger.TraceParent ?? Activity.Current?.Id);
        span?.SetTag("faas.name", function.Name);
        var context = new LocalFunctionContext(
            function, scope, trigger.BindingData, Activity.Current?.Id ?? trigger.TraceParent, Activity.Current?.TraceStateString, cancellation.Token);
        span?.SetTag("faas.invocation_id", context.InvocationId);
        if (trigger.Http is { } http)
        {
            context.SetHttpContext(http);
        }

        try
        {
            return await CallAsync(function, new Invocation(context, trigger.Value, null));
        }
        catch (Exception error)
        {
            span?.SetStatus(ActivityStatusCode.Error, error.GetType().Name);
            if (!cancellationToken.IsCancellationRequested && function.Trigger is not ActivityTriggerAttribute)
            {
                Log.FunctionFailed(logger, function.Name, context.InvocationId, error.GetType().Name);
                Log.FunctionFailure(logger, function.Name, context.InvocationId, error);
            }

            throw;
        }
    }

    /// <summary>Runs one episode of an orchestrator: no span and no limit, for it is replayed, and no other scheduler than the caller's.</summary>
    public async Task<object?> InvokeOrchestratorAsync(IndexedFunction function, object context, Func<Type, object?> input)
    {
        await using var scope = services.CreateAsyncScope();
        var local = new LocalFunctionContext(function, scope.ServiceProvider, Trigger.NoData, null, null, CancellationToken.None);
        return await CallAsync(function, new Invocation(local, context, input));
    }

    private static async Task<object?> CallAsync(IndexedFunction function, Invocation invocation)
    {
        var arguments = FunctionParameters.Fill(function, invocation);
        var target = function.Method.IsStatic ? null : ActivatorUtilities.CreateInstance(invocation.Context.InstanceServices, function.Method.DeclaringType!);
        try
        {
            return await ResultAsync(function, function.Method.Invoke(target, BindingFlags.DoNotWrapExceptions, null, arguments, null));
        }
        finally
        {
            if (target is IAsyncDisposable asynchronous)
            {
                await asynchronous.DisposeAsync();
            }
            else if (target is IDisposable disposable)
            {
                disposable.Dispose();
            }
        }
    }

    private static async Task<object?> ResultAsync(IndexedFunction function, object? returned)
    {
        if (returned is ValueTask valueTask)
        {
            await valueTask;
            return null;
        }

        var type = returned?.GetType();
        if (type is { IsGenericType: true } && type.GetGenericTypeDefinition() == typeof(ValueTask<>))
        {
            returned = type.GetMethod(nameof(ValueTask<>.AsTask))!.Invoke(returned, null);
        }

        if (returned is not Task task)
        {
            return returned;
        }

        await task;
        return function.ResultType == typeof(void) ? null : typeof(Task<>).MakeGenericType(function.ResultType).GetProperty(nameof(Task<>.Result))!.GetValue(task);
    }
}
