using Cosmo.Functions.Access;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Grpc.Core;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering;

/// <summary>
/// Cancels a message that waits or is being answered: 202 when it is being cancelled, 404 for a message that is not known, 409 for one that is over.
/// Its final update has the status <c>cancelled</c> and the text so far. Whoever may listen may cancel.
/// </summary>
internal sealed class CancelMessage(ChannelAccess access, Cancellation cancellation, ILogger<CancelMessage> logger)
{
    [Function(nameof(CancelMessage))]
    public async Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "channels/{channel}/messages/{messageId}/cancel")] HttpRequest request,
        string channel,
        string messageId,
        [DurableClient] DurableTaskClient client,
        FunctionContext context) =>
        !RouteName.TryRead(channel, out var name) ? RouteName.NotAChannel
            : !RouteName.TryRead(messageId, out var id) ? RouteName.NotAMessage
            : await access.RefuseAsync(request, name, context.CancellationToken) ?? await CancelAsync(name, id, client, context.CancellationToken);

    /// <summary>The same for an operator, whosever the channel is.</summary>
    [Function("CancelMessageAsOperator")]
    public async Task<IActionResult> RunAsOperatorAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "post", Route = "operator/channels/{channel}/messages/{messageId}/cancel")] HttpRequest request,
        string channel,
        string messageId,
        [DurableClient] DurableTaskClient client,
        FunctionContext context) =>
        !RouteName.TryRead(channel, out var name) ? RouteName.NotAChannel
            : !RouteName.TryRead(messageId, out var id) ? RouteName.NotAMessage
            : await CancelAsync(name, id, client, context.CancellationToken);

    private async Task<IActionResult> CancelAsync(string channel, string messageId, DurableTaskClient client, CancellationToken cancellationToken)
    {
        try
        {
            return await cancellation.CancelAsync(channel, messageId, client, cancellationToken) switch
            {
                CancelOutcome.Cancelling => HttpAnswers.Json(new { status = "cancelling" }, StatusCodes.Status202Accepted),
                CancelOutcome.Over => HttpAnswers.Problem(StatusCodes.Status409Conflict, "The message is over", "It has had its final update; there is nothing to cancel."),
                _ => HttpAnswers.Problem(StatusCodes.Status404NotFound, "No such message", "The channel has had no message of this id within a day."),
            };
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.NotCancelled(e, messageId);
            return HttpAnswers.RedisProblem(e, "The message could not be cancelled.");
        }
        catch (RpcException e)
        {
            logger.NotCancelled(e, messageId);
            return HttpAnswers.StoreProblem("It is not sure that the message is cancelled.");
        }
    }
}
