using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Tools;
using Microsoft.Azure.Functions.Worker;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering.Activities;

/// <summary>
/// Activity: runs one tool that the model asked for. Whatever the tool fails with becomes its output. A call that may happen once only is claimed first: a try
/// after one that died gives its output again, or says that nobody knows how it ended.
/// </summary>
internal sealed class ExecuteTool(
    Toolbox toolbox, IUpdatePublisher updates, MessageMemory memory, StopSignals stopSignals, TimeProvider clock, ILogger<ExecuteTool> logger)
{
    private const int MaxShownNameLength = 64;

    [Function(nameof(ExecuteTool))]
    public async Task<string> RunAsync([ActivityTrigger] ToolInput input, FunctionContext context)
    {
        var (address, call) = (input.Address, input.Call);
        using var stop = await stopSignals.RegisterAsync(address.Channel, input.InstanceId, context.CancellationToken);
        try
        {
            if (stop.Token.IsCancellationRequested || await updates.IsOverAsync(address, context.CancellationToken))
            {
                return "The tool was not carried out: the request had ended.";
            }

            await updates.PublishAsync(address, Updates.ToolBegins(address, input.ThreadId, Shown(call.Name)), $"tool:{call.CallId}", context.CancellationToken);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.RedisFailed(e, address.MessageId);
        }

        using var bounds = new TimeLimit(input.StopAt - clock.GetUtcNow(), clock, stop.Token, context.CancellationToken);
        var mayRepeat = toolbox.MayRepeat(call.Name);
        try
        {
            return mayRepeat ? await RunAsync(input, bounds.Token) : await RunOnceAsync(input, bounds.Token, context.CancellationToken);
        }
        catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
        {
            return $"The tool was stopped before it had a result.{(mayRepeat ? "" : " " + Toolbox.OutcomeUnknown)}";
        }
    }

    private Task<string> RunAsync(ToolInput input, CancellationToken bounds) =>
        toolbox.ExecuteAsync(input.Call.Name, input.Call.Arguments, input.Caller, input.Call.CallId, bounds);

    private async Task<string> RunOnceAsync(ToolInput input, CancellationToken bounds, CancellationToken stopping)
    {
        var (address, callId) = (input.Address, input.Call.CallId);
        try
        {
            if (!await memory.ClaimCallAsync(address, callId, bounds))
            {
                return await memory.FindOutputAsync(address, callId, bounds) ?? Toolbox.OutcomeUnknown;
            }
        }
        catch (Exception e) when (e is RedisException or TimeoutException || (e is OperationCanceledException && !stopping.IsCancellationRequested))
        {
            return "The tool was not carried out: it could not be made sure that it happens only once.";
        }

        var output = await RunAsync(input, bounds);
        try
        {
            await memory.RememberOutputAsync(address, callId, output, bounds);
        }
        catch (Exception e) when (e is RedisException or TimeoutException || (e is OperationCanceledException && !stopping.IsCancellationRequested))
        {
            // The output goes to the model all the same; only a repeated try would miss it.
            logger.RedisFailed(e, address.MessageId);
        }

        return output;
    }

    /// <summary>The model can ask for a tool of any name; what the client is shown of it stays short.</summary>
    private static string Shown(string name) => name.Length > MaxShownNameLength ? name[..MaxShownNameLength] : name;
}
