using Cosmo.Functions.Access;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering.History;

/// <summary>What was said in a channel, newest first, page by page. Whoever may listen may read.</summary>
internal sealed class GetMessages(ChannelAccess access, HistoryReader reader, ILogger<GetMessages> logger)
{
    private const int MostMessages = 100;

    [Function(nameof(GetMessages))]
    public async Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "channels/{channel}/messages")] HttpRequest request,
        string channel,
        FunctionContext context) =>
        !RouteName.TryRead(channel, out var name)
            ? RouteName.NotAChannel
            : await access.ReadAsync(request, name, () => ReadAsync(request, name, context.CancellationToken), context.CancellationToken);

    /// <summary>The same for an operator, whosever the channel is.</summary>
    [Function("GetMessagesAsOperator")]
    public async Task<IActionResult> RunAsOperatorAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "get", Route = "operator/channels/{channel}/messages")] HttpRequest request,
        string channel,
        FunctionContext context) =>
        RouteName.TryRead(channel, out var name) ? await ReadAsync(request, name, context.CancellationToken) : RouteName.NotAChannel;

    private async Task<IActionResult> ReadAsync(HttpRequest request, string channel, CancellationToken cancellationToken)
    {
        var (limit, refusal) = request.ReadNumber("limit", "messages", standard: 50, MostMessages);
        if (refusal is not null)
        {
            return refusal;
        }

        var before = request.Query["before"].ToString();
        var cursor = HistoryCursor.Parse(before);
        if (cursor is null && before.Length > 0)
        {
            return NotACursor;
        }

        try
        {
            return await reader.ReadAsync(channel, limit, cursor, cancellationToken) is { } page ? HttpAnswers.Json(page) : NotACursor;
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.MessagesNotRead(e);
            return HttpAnswers.RedisProblem(e, "The messages could not be read.");
        }
        catch (AssistantException e)
        {
            logger.MessagesNotRead(e);
            return HttpAnswers.Problem(StatusCodes.Status503ServiceUnavailable, "OpenAI is not available", e.Told);
        }
    }

    private static IActionResult NotACursor => HttpAnswers.Problem(
        StatusCodes.Status400BadRequest, "Not a cursor", "'before' must be the 'next' of an earlier answer of this channel; a message that was deleted since is none any more.");
}
