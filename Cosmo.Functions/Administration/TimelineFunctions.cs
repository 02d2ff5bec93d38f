using Cosmo.Functions.Answering.Timelines;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Administration;

/// <summary>One answer, told: what took how long, and why it ended as it did.</summary>
internal sealed class TimelineFunctions(TimelineReader timelines, ILogger<TimelineFunctions> logger)
{
    /// <summary>Of the newest attempt at a message, or of that which <c>?attempt=</c> names, for as long as the Durable store keeps the history.</summary>
    [Function("GetTimeline")]
    public Task<IActionResult> GetAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "get", Route = "operator/channels/{channel}/messages/{messageId}/timeline")] HttpRequest request,
        string channel,
        string messageId,
        [DurableClient] DurableTaskClient client,
        FunctionContext context) =>
        Guard.RunAsync(logger, async () =>
        {
            if (!RouteName.TryRead(channel, out var name))
            {
                return RouteName.NotAChannel;
            }

            if (!RouteName.TryRead(messageId, out var id))
            {
                return RouteName.NotAMessage;
            }

            if (!MessageFunctions.TryReadAttempt(request, out var attempt))
            {
                return HttpAnswers.Problem(StatusCodes.Status400BadRequest, "Not an attempt", "'attempt' is a whole number from 1.");
            }

            return await timelines.ReadAsync(name, id, attempt == 0 ? null : attempt, client, context.CancellationToken) is { } timeline
                ? HttpAnswers.Json(timeline)
                : HttpAnswers.Problem(
                    StatusCodes.Status404NotFound,
                    "No such answer",
                    "The Durable store has no orchestration of this message: it was not taken in, or its history was purged. What was refused is among the dead letters.");
        });
}
