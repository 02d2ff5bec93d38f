using Cosmo.Functions.Assistants;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Threads;
using Cosmo.Functions.Threads.Index;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Administration;

/// <summary>The thread of a channel and its metadata. Looking does not renew its expiry.</summary>
internal sealed class GetThread(ThreadReader threads, TimeProvider clock, ILogger<GetThread> logger)
{
    [Function(nameof(GetThread))]
    public Task<IActionResult> RunAsync(
        // The host prefers no literal route to one with a parameter, so 'stats' must not fit here.
        [HttpTrigger(AuthorizationLevel.Admin, "get", Route = "threads/{channel:regex(^(?!stats$).*$)}")] HttpRequest request, string channel, FunctionContext context) =>
        Guard.RunAsync(logger, async () =>
        {
            if (!RouteChannel.TryRead(channel, out var name))
            {
                return RouteChannel.NotAChannel;
            }

            var snapshot = await threads.ReadAsync(name, context.CancellationToken);
            if (!snapshot.Exists)
            {
                return NoThread();
            }

            var timeToLive = await threads.TimeToLiveAsync(name, context.CancellationToken);
            return HttpAnswers.Json(new
            {
                Channel = name,
                snapshot.ThreadId,
                IsUsable = ThreadId.IsCurrent(snapshot.ThreadId),
                CreatedAt = Time(snapshot.Metadata?.Created),
                LastMessageAt = Time(snapshot.Metadata?.LastActivity),
                MessageCount = snapshot.Metadata?.Messages,
                ExpiresAt = timeToLive is { } left ? clock.GetUtcNow() + left : (DateTimeOffset?)null,
            });
        });

    public static IActionResult NoThread() =>
        HttpAnswers.Problem(StatusCodes.Status404NotFound, "No such thread", "This channel has neither a thread nor metadata.");

    private static DateTimeOffset? Time(double? seconds) => seconds is { } known ? StatisticsReader.AtUnixSeconds(known) : null;
}
