using System.Globalization;
using Cosmo.Functions.Access;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using StackExchange.Redis;

namespace Cosmo.Functions.Delivery;

/// <summary>Gives a client what it missed: every status and final update after a sequence, and of a text that grows its newest state.</summary>
internal sealed class GetUpdates(ChannelAccess access, UpdateLog log, ILogger<GetUpdates> logger)
{
    [Function(nameof(GetUpdates))]
    public async Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "channels/{channel}/updates")] HttpRequest request,
        string channel,
        FunctionContext context) =>
        !RouteName.TryRead(channel, out var name)
            ? RouteName.NotAChannel
            : await access.ReadAsync(request, name, () => ReadAsync(request, name, context.CancellationToken), context.CancellationToken);

    /// <summary>The same for an operator, whosever the channel is.</summary>
    [Function("GetUpdatesAsOperator")]
    public async Task<IActionResult> RunAsOperatorAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "get", Route = "operator/channels/{channel}/updates")] HttpRequest request,
        string channel,
        FunctionContext context) =>
        RouteName.TryRead(channel, out var name) ? await ReadAsync(request, name, context.CancellationToken) : RouteName.NotAChannel;

    private async Task<IActionResult> ReadAsync(HttpRequest request, string channel, CancellationToken cancellationToken)
    {
        var after = request.Query["after"].ToString();
        if (!long.TryParse(after.Length == 0 ? "0" : after, NumberStyles.None, CultureInfo.InvariantCulture, out var sequence))
        {
            return HttpAnswers.Problem(StatusCodes.Status400BadRequest, "Not a sequence", "'after' must be the sequence of the last update seen, a whole number from 0.");
        }

        try
        {
            var updates = await log.ReadAsync(channel, sequence, cancellationToken);
            return HttpAnswers.Json(new { updates });
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.UpdatesNotRead(e);
            return HttpAnswers.RedisProblem(e, "The updates could not be read.");
        }
    }
}
