using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Cosmo.Local.Host.Functions;
using Cosmo.Local.Host.Worker;
using Cosmo.Local.Host.Worker.Protocol;
using Google.Protobuf;
using Microsoft.Azure.WebJobs;
using Microsoft.Azure.WebJobs.Extensions.DurableTask;
using Newtonsoft.Json;
using ExecutionContext = Microsoft.Azure.WebJobs.ExecutionContext;

namespace Cosmo.Local.Host.WebJobs;

/// <summary>Runs in the worker what the WebJobs SDK calls, with the function's inputs and the trigger's metadata.</summary>
internal sealed class WorkerInvocations(IEnumerable<FunctionDefinition> functions, WorkerSupervisor workers, CancellationToken drainEnd)
{
    private static readonly JsonSerializerSettings DatesAreText = new() { DateParseHandling = DateParseHandling.None };

    private readonly Dictionary<string, FunctionDefinition> _functions = functions.ToDictionary(function => function.Name);

    // What a client of the Durable extension is told (addresses, names) is the same for as long as the host runs, and takes the SDK a quarter of a millisecond to find.
    private readonly ConcurrentDictionary<FunctionBinding, TypedData> _clients = new(ReferenceEqualityComparer.Instance);

    /// <exception cref="FunctionFailedException">The function failed.</exception>
    /// <exception cref="WorkerProcessExitException">The worker died.</exception>
    public async Task<object?> InvokeAsync(string name, object? value, Binder binder, ExecutionContext invocation, CancellationToken cancellationToken)
    {
        var function = _functions[name];
        var input = value as TriggerInput;
        var request = new InvocationRequest
        {
            InvocationId = input?.InvocationId ?? invocation.InvocationId.ToString(),
            TraceContext = new RpcTraceContext(),
        };
        if (Activity.Current is { } current)
        {
            request.TraceContext.TraceParent = current.Id ?? "";
            request.TraceContext.TraceState = current.TraceStateString ?? "";
        }

        foreach (var binding in function.Bindings)
        {
            if (await InputAsync(function, binding, input is null ? value : input.Value, binder, cancellationToken) is { } data)
            {
                request.InputData.Add(new ParameterBinding { Name = binding.Name, Data = data });
            }
        }

        AddMetadata(request, input, binder);
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, drainEnd);
        var response = await workers.InvokeAsync(name, request, cancellation.Token);
        return response.Result.Status == StatusResult.Types.Status.Success ? ValueOf(response.ReturnValue) : throw new FunctionFailedException(response.Result);
    }

    /// <returns>Null for a binding that is no input.</returns>
    private async Task<TypedData?> InputAsync(FunctionDefinition function, FunctionBinding binding, object? value, Binder binder, CancellationToken cancellationToken)
    {
        if (binding == function.Trigger)
        {
            return string.Equals(binding.Type, "httpTrigger", StringComparison.OrdinalIgnoreCase) ? new TypedData { Http = new RpcHttp() } : DataOf(value);
        }

        if (!string.Equals(binding.Type, "durableClient", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        if (_clients.TryGetValue(binding, out var known))
        {
            return known;
        }

        var client = new DurableClientAttribute { TaskHub = binding.Json["taskHub"]?.ToString(), ConnectionName = binding.Json["connectionName"]?.ToString() };
        return _clients[binding] = DataOf(await binder.BindAsync<string>(client, cancellationToken));
    }

    private static void AddMetadata(InvocationRequest request, TriggerInput? input, Binder binder)
    {
        if (input is not null)
        {
            foreach (var (name, text) in input.Metadata)
            {
                request.TriggerMetadata[name] = new TypedData { String = text };
            }

            return;
        }

        foreach (var (name, value) in binder.BindingData)
        {
            if (value is not null && name != "sys" && !name.StartsWith('_'))
            {
                request.TriggerMetadata[name] = DataOf(value);
            }
        }
    }

    private static TypedData DataOf(object? value) => value switch
    {
        null => new TypedData(),
        string text => new TypedData { String = text },
        byte[] bytes => new TypedData { Bytes = ByteString.CopyFrom(bytes) },
        IFormattable formattable and (Guid or DateTime or DateTimeOffset) => new TypedData { String = formattable.ToString("O", CultureInfo.InvariantCulture) },
        _ => new TypedData { Json = JsonConvert.SerializeObject(value) },
    };

    private static object? ValueOf(TypedData? data) => data?.DataCase switch
    {
        TypedData.DataOneofCase.String => data.String,
        TypedData.DataOneofCase.Json => JsonConvert.DeserializeObject(data.Json, DatesAreText),
        TypedData.DataOneofCase.Bytes => data.Bytes.ToByteArray(),
        TypedData.DataOneofCase.Stream => data.Stream.ToByteArray(),
        TypedData.DataOneofCase.Int => data.Int,
        TypedData.DataOneofCase.Double => data.Double,
        _ => null,
    };
}
