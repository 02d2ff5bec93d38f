using Cosmo.Functions.Access;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering.Approvals;

/// <summary>
/// Says yes or no to a call that waits for it: 202 when it counts, 404 for a call that is not known, 409 for one that was decided on already or is over. A
/// signed-in user who may act in the channel decides; a stranger never.
/// </summary>
internal sealed class DecideCall(ChannelAccess access, ApprovalDesk desk, ILogger<DecideCall> logger)
{
    private const int MostBytes = 65_536;

    [Function(nameof(DecideCall))]
    public async Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "channels/{channel}/messages/{messageId}/approvals/{callId}")] HttpRequest request,
        string channel,
        string messageId,
        string callId,
        [DurableClient] DurableTaskClient client,
        FunctionContext context)
    {
        if (!RouteName.TryRead(channel, out var name))
        {
            return RouteName.NotAChannel;
        }

        if (!RouteName.TryRead(messageId, out var id) || !RouteName.TryRead(callId, out var call))
        {
            return RouteName.NotAMessage;
        }

        var (user, refusal) = await access.IdentifyAsync(request, name, context.CancellationToken);
        if (refusal is not null)
        {
            return refusal;
        }

        if (await request.ReadAsync(MostBytes, context.CancellationToken) is not { } body)
        {
            return HttpAnswers.TooLong(MostBytes);
        }

        if (!ApprovalRequest.TryRead(body, namesCall: false, out var decision, out var fault))
        {
            return HttpAnswers.Problem(StatusCodes.Status400BadRequest, "Not a decision", fault);
        }

        try
        {
            return await desk.DecideAsync(name, id, call, new ApprovalDecision(decision.Approved, decision.Reason, user!.Name), client, context.CancellationToken) switch
            {
                ApprovalOutcome.Taken => HttpAnswers.Json(new { approved = decision.Approved }, StatusCodes.Status202Accepted),
                ApprovalOutcome.Over => HttpAnswers.Problem(StatusCodes.Status409Conflict, "Decided already", "Somebody has decided on this call, or it is over."),
                _ => HttpAnswers.Problem(StatusCodes.Status404NotFound, "No such call", "No call of this id waits, or waited, for a decision."),
            };
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.NotDecided(e, id);
            return HttpAnswers.RedisProblem(e, "The decision was not taken.");
        }
    }
}
