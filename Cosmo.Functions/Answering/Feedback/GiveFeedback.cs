using Cosmo.Functions.Access;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering.Feedback;

/// <summary>What a user thinks of the answer to a message: 204; 404 for a message that is not known, or has no end yet. Whoever may listen may say so.</summary>
internal sealed class GiveFeedback(ChannelAccess access, MessageHistory history, FeedbackLedger feedback, TimeProvider clock, ILogger<GiveFeedback> logger)
{
    private const int MostBytes = 65_536;
    private const int LongestComment = 2_000;

    [Function(nameof(GiveFeedback))]
    public async Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "channels/{channel}/messages/{messageId}/feedback")] HttpRequest request,
        string channel,
        string messageId,
        FunctionContext context)
    {
        if (!RouteName.TryRead(channel, out var name))
        {
            return RouteName.NotAChannel;
        }

        if (!RouteName.TryRead(messageId, out var id))
        {
            return RouteName.NotAMessage;
        }

        var (user, refusal) = await access.EnterAsync(request, name, context.CancellationToken);
        return refusal ?? await GiveAsync(request, name, id, user, context.CancellationToken);
    }

    private async Task<IActionResult> GiveAsync(HttpRequest request, string channel, string messageId, SignedInUser? user, CancellationToken cancellationToken)
    {
        if (await request.ReadAsync(MostBytes, cancellationToken) is not { } body)
        {
            return HttpAnswers.TooLong(MostBytes);
        }

        if (!ForeignJson.TryRead(body, out var root, out _) || root["rating"]?.Text is not (GivenFeedback.Up or GivenFeedback.Down))
        {
            return HttpAnswers.Problem(StatusCodes.Status400BadRequest, "Not feedback", "'rating' must be up or down, in a JSON object.");
        }

        var said = root["comment"] is { Kind: not System.Text.Json.JsonValueKind.Null } comment ? comment : (ForeignJson?)null;
        if (said is not null && said.Value.Text is not { Length: <= LongestComment })
        {
            return HttpAnswers.Problem(StatusCodes.Status400BadRequest, "Not feedback", $"'comment' must be a text of at most {LongestComment} characters.");
        }

        try
        {
            if (!await history.KnowsAsync(channel, messageId, cancellationToken))
            {
                return HttpAnswers.Problem(StatusCodes.Status404NotFound, "No such message", "The channel has no message of this id that has had its final update, or it was long ago.");
            }

            await feedback.GiveAsync(
                new GivenFeedback(channel, messageId, root["rating"]!.Value.Text!, said?.Text is { Length: > 0 } text ? text : null, clock.GetUtcNow(), user?.Name), cancellationToken);
            return new NoContentResult();
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.FeedbackNotKept(e, messageId);
            return HttpAnswers.RedisProblem(e, "The feedback could not be kept.");
        }
    }
}
