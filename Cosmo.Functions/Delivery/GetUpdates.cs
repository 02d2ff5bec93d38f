using System.Globalization;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using StackExchange.Redis;

namespace Cosmo.Functions.Delivery;

/// <summary>Gives a client what it missed: every status and final update after a sequence, and of a text that grows its newest state.</summary>
internal sealed class GetUpdates(UpdateLog log, ILogger<GetUpdates> logger)
{
    [Function(nameof(GetUpdates))]
    public async Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "channels/{channel}/updates")] HttpRequest request,
        string channel,
        FunctionContext context)
    {
        if (!RouteName.TryRead(channel, out var name))
        {
            return RouteName.NotAChannel;
        }

        var after = request.Query["after"].ToString();
        if (!long.TryParse(after.Length == 0 ? "0" : after, NumberStyles.None, CultureInfo.InvariantCulture, out var sequence))
        {
            return HttpAnswers.Problem(StatusCodes.Status400BadRequest, "Not a sequence", "'after' must be the sequence of the last update seen, a whole number from 0.");
        }

        try
        {
            var updates = await log.ReadAsync(name, sequence, context.CancellationToken);
            return HttpAnswers.Json(new { updates });
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.UpdatesNotRead(e);
            return HttpAnswers.RedisProblem(e, "The updates could not be read.");
        }
    }
}
