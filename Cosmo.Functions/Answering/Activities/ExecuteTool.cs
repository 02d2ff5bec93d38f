using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Tools;
using Microsoft.Azure.Functions.Worker;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering.Activities;

/// <summary>Activity: runs one tool that the model asked for. Whatever the tool fails with becomes its output.</summary>
internal sealed class ExecuteTool(Toolbox toolbox, IUpdatePublisher updates, StopSignals stopSignals, TimeProvider clock, ILogger<ExecuteTool> logger)
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
        try
        {
            return await toolbox.ExecuteAsync(call.Name, call.Arguments, input.Caller, bounds.Token);
        }
        catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
        {
            return "The tool was stopped before it had a result.";
        }
    }

    /// <summary>The model can ask for a tool of any name; what the client is shown of it stays short.</summary>
    private static string Shown(string name) => name.Length > MaxShownNameLength ? name[..MaxShownNameLength] : name;
}
