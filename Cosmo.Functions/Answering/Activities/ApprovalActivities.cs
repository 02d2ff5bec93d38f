using Cosmo.Functions.Answering.Approvals;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Answering.Activities;

/// <summary>Activity: asks whoever listens to the channel to decide on a call, and keeps the channel's turn.</summary>
internal sealed class AskApproval(ApprovalDesk desk, TurnQueue turns, IUpdatePublisher updates)
{
    [Function(nameof(AskApproval))]
    public async Task RunAsync([ActivityTrigger] ApprovalInput input, FunctionContext context)
    {
        await turns.KeepAsync(input.Address, input.InstanceId, ApprovalWait.Round, context.CancellationToken);
        await desk.OpenAsync(input.Address, input.Call.CallId, context.CancellationToken);
        var call = ToolCalls.Awaiting(input.Call, input.ExpiresAt);
        await updates.PublishAsync(input.Address, Updates.Tool(input.Address, input.ThreadId, call), $"tool-approval:{call.CallId}", context.CancellationToken);
    }
}

/// <summary>Activity: looks whether a decision came whose event was lost, and keeps the channel's turn.</summary>
internal sealed class CheckApproval(ApprovalDesk desk, TurnQueue turns)
{
    [Function(nameof(CheckApproval))]
    public async Task<ApprovalDecision?> RunAsync([ActivityTrigger] ApprovalInput input, FunctionContext context)
    {
        await turns.KeepAsync(input.Address, input.InstanceId, ApprovalWait.Round, context.CancellationToken);
        return await desk.FindAsync(input.Address, input.Call.CallId, context.CancellationToken);
    }
}

/// <summary>Activity: takes no decision any more; a call that will not be made is over for its clients. Answers the decision that counts.</summary>
internal sealed class EndApproval(ApprovalDesk desk, TurnQueue turns, IUpdatePublisher updates)
{
    [Function(nameof(EndApproval))]
    public async Task<ApprovalDecision?> RunAsync([ActivityTrigger] ApprovalInput input, FunctionContext context)
    {
        await turns.KeepAsync(input.Address, input.InstanceId, TimeSpan.Zero, context.CancellationToken);
        var decision = await desk.CloseAsync(input.Address, input.Call.CallId, context.CancellationToken) ?? input.Decision;
        if (decision is not { Approved: true })
        {
            await updates.TellToolAsync(input.Address, input.ThreadId, ToolCalls.Of(input.Call) with { State = ToolCallUpdate.Refused }, context.CancellationToken);
        }

        return decision;
    }
}
