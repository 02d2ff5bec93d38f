using System.Text.Json;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Assistants.Profiles;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tools;
using Microsoft.Azure.Functions.Worker;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering.Activities;

/// <summary>
/// Activity: runs one tool that the model asked for, and tells the client that it begins and how it ends. Whatever the tool fails with becomes its output. A call
/// that may happen once only is claimed first: a try after one that died gives its output again, or says that nobody knows how it ended.
/// </summary>
internal sealed class ExecuteTool(
    Toolbox toolbox,
    ProfileCatalog profiles,
    IUpdatePublisher updates,
    MessageMemory memory,
    StopSignals stopSignals,
    TimeProvider clock,
    ILogger<ExecuteTool> logger)
{
    [Function(nameof(ExecuteTool))]
    public async Task<string> RunAsync([ActivityTrigger] ToolInput input, FunctionContext context)
    {
        var (address, call) = (input.Address, ToolCalls.Of(input.Call));
        using var stop = stopSignals.Register(address.Channel, input.InstanceId, context.CancellationToken);
        await stop.Known;
        if (stop.Token.IsCancellationRequested || !await TellAsync(address, input.ThreadId, call, context.CancellationToken))
        {
            return "The tool was not carried out: the request had ended.";
        }

        var begun = clock.GetTimestamp();
        var result = await RunAsync(input, stop.Token, context.CancellationToken);
        await TellAsync(
            address,
            input.ThreadId,
            call with { State = result.State.ToString().ToLowerInvariant(), Seconds = Math.Round(clock.GetElapsedTime(begun).TotalSeconds, 3) },
            context.CancellationToken);
        return result.Output;
    }

    /// <summary>False if the message is over. Nothing else depends on it.</summary>
    private async Task<bool> TellAsync(MessageAddress address, string threadId, ToolCallUpdate call, CancellationToken cancellationToken)
    {
        try
        {
            await updates.TellToolAsync(address, threadId, call, cancellationToken);
            return call.State != ToolCallUpdate.Running || !await updates.IsOverAsync(address, cancellationToken);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.RedisFailed(e, address.MessageId);
            return true;
        }
    }

    private async Task<ToolResult> RunAsync(ToolInput input, CancellationToken stop, CancellationToken stopping)
    {
        using var bounds = new TimeLimit(input.StopAt - clock.GetUtcNow(), clock, stop, stopping);
        if (!input.IsApproved && toolbox.NeedsApproval(input.Call.Name, input.Caller))
        {
            // It was no such tool when the model asked for it.
            return new(ToolState.Refused, Toolbox.NotApproved);
        }

        var mayRepeat = toolbox.MayRepeat(input.Call.Name);
        try
        {
            return mayRepeat ? await ExecuteAsync(input, bounds.Token) : await ExecuteOnceAsync(input, bounds.Token, stopping);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            return new(ToolState.Failed, $"The tool was stopped before it had a result.{(mayRepeat ? "" : " " + Toolbox.OutcomeUnknown)}");
        }
    }

    private Task<ToolResult> ExecuteAsync(ToolInput input, CancellationToken bounds) => toolbox.ExecuteAsync(
        input.Call.Name, input.Call.Arguments, input.Caller, input.Call.CallId, profiles.Of(input.Address.Profile).Has, bounds);

    private async Task<ToolResult> ExecuteOnceAsync(ToolInput input, CancellationToken bounds, CancellationToken stopping)
    {
        var (address, callId) = (input.Address, input.Call.CallId);
        try
        {
            if (!await memory.ClaimCallAsync(address, callId, bounds))
            {
                return await memory.FindOutputAsync(address, callId, bounds) is { } kept ? new(ToolState.Done, kept) : new(ToolState.Failed, Toolbox.OutcomeUnknown);
            }
        }
        catch (Exception e) when (e is RedisException or TimeoutException || (e is OperationCanceledException && !stopping.IsCancellationRequested))
        {
            return new(ToolState.Failed, "The tool was not carried out: it could not be made sure that it happens only once.");
        }

        var result = await ExecuteAsync(input, bounds);
        try
        {
            await memory.RememberOutputAsync(address, callId, result.Output, bounds);
        }
        catch (Exception e) when (e is RedisException or TimeoutException || (e is OperationCanceledException && !stopping.IsCancellationRequested))
        {
            // The output goes to the model all the same; only a repeated try would miss it.
            logger.RedisFailed(e, address.MessageId);
        }

        return result;
    }
}

internal static class ToolCalls
{
    private const int MaxShownNameLength = 64;

    /// <summary>What a client is shown of a call. The model can ask for a tool of any name; what is shown of it stays short.</summary>
    public static ToolCallUpdate Of(ToolCall call) =>
        new(call.CallId, call.Name.Length > MaxShownNameLength ? call.Name[..MaxShownNameLength] : call.Name, ToolCallUpdate.Running);

    /// <summary>A call that a person is to decide on, with its arguments: those that it will be made with.</summary>
    public static ToolCallUpdate Awaiting(ToolCall call, DateTimeOffset expiresAt) =>
        Of(call) with { State = ToolCallUpdate.AwaitingApproval, ExpiresAt = expiresAt, Arguments = ArgumentsOf(call) };

    private static JsonElement ArgumentsOf(ToolCall call)
    {
        try
        {
            return JsonElement.Parse(call.Arguments);
        }
        catch (JsonException)
        {
            return JsonSerializer.SerializeToElement(call.Arguments);
        }
    }

    /// <summary>Tells the client, once, that a call began, or how it ended.</summary>
    public static Task TellToolAsync(
        this IUpdatePublisher updates, MessageAddress address, string? threadId, ToolCallUpdate call, CancellationToken cancellationToken) => updates.PublishAsync(
        address, Updates.Tool(address, threadId, call), call.State == ToolCallUpdate.Running ? $"tool:{call.CallId}" : $"tool-end:{call.CallId}", cancellationToken);
}
