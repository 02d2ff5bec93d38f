using Cosmo.Functions.Assistants;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Threads;
using Cosmo.Functions.Threads.Index;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Administration;

/// <summary>The threads and their index: look at one, list and count all, compare the index with the keys. What deletes them is in Deletion.</summary>
internal sealed class ThreadFunctions(ThreadReader threads, ThreadLister lister, StatisticsReader statistics, TimeProvider clock, ILogger<ThreadFunctions> logger)
{
    /// <summary>The answer about a channel that has neither a thread nor metadata.</summary>
    public static IActionResult NoThread =>
        HttpAnswers.Problem(StatusCodes.Status404NotFound, "No such thread", "This channel has neither a thread nor metadata.");

    /// <summary>The thread of a channel and its metadata. Looking does not renew its expiry.</summary>
    [Function("GetThread")]
    public Task<IActionResult> GetAsync(
        // The host prefers no literal route to one with a parameter, so 'stats' must not fit here.
        [HttpTrigger(AuthorizationLevel.Admin, "get", Route = "threads/{channel:regex(^(?!stats$))}")] HttpRequest request, string channel, FunctionContext context) =>
        Guard.RunAsync(logger, async () =>
        {
            if (!RouteName.TryRead(channel, out var name))
            {
                return RouteName.NotAChannel;
            }

            var snapshot = await threads.ReadAsync(name, context.CancellationToken);
            if (!snapshot.Exists && !snapshot.Unreadable.Any())
            {
                return NoThread;
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
                UnreadableKeys = threads.NamesOf(snapshot),
                ExpiresAt = timeToLive is { } left ? clock.GetUtcNow() + left : (DateTimeOffset?)null,
            });
        });

    /// <summary>The channels of the index, the last active first, page by page; <c>?search=</c> names a part of the channel's name or its thread's id.</summary>
    [Function("ListThreads")]
    public Task<IActionResult> ListAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "get", Route = "threads")] HttpRequest request, FunctionContext context) =>
        Guard.RunAsync(logger, async () =>
        {
            var (limit, refusal) = request.ReadNumber("limit", "threads", standard: 50, ThreadLister.MostThreads);
            var search = request.Query["search"].ToString();
            return refusal is not null ? refusal
                : search.Length > ChatMessageReader.MaxIdLength
                    ? HttpAnswers.Problem(StatusCodes.Status400BadRequest, "Too long", $"'search' must be at most {ChatMessageReader.MaxIdLength} characters.")
                : ThreadLister.Read(request.Query["after"].ToString()) is not { } after
                    ? HttpAnswers.Problem(StatusCodes.Status400BadRequest, "Not a cursor", "'after' must be the 'next' of an earlier answer.")
                : HttpAnswers.Json(await lister.ReadAsync(search, limit, after, context.CancellationToken));
        });

    /// <summary>How many threads there are, how old and how busy; as JSON, or with <c>?format=table</c> as text.</summary>
    [Function("GetThreadStatistics")]
    public Task<IActionResult> GetStatisticsAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "get", Route = "threads/stats")] HttpRequest request, FunctionContext context) =>
        Guard.RunAsync(logger, async () => request.Query["format"].ToString() switch
        {
            "" or "json" => HttpAnswers.Json(await statistics.ReadAsync(context.CancellationToken)),
            "table" => new ContentResult
            {
                Content = StatisticsTable.Of(await statistics.ReadAsync(context.CancellationToken)),
                ContentType = "text/plain; charset=utf-8",
            },
            _ => HttpAnswers.Problem(StatusCodes.Status400BadRequest, "Not a format", "'format' must be json or table."),
        });

    /// <summary>Compares all keys with the index now, rather than at the next turn of its timer.</summary>
    [Function("StartThreadIndexing")]
    public Task<IActionResult> StartIndexingAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "post", Route = "threads/index")] HttpRequest request,
        [DurableClient] DurableTaskClient client,
        FunctionContext context) =>
        Guard.RunAsync(logger, async () =>
        {
            // One that runs already serves as well.
            await SingleInstance.TryStartAsync(
                client, nameof(ThreadIndexing), ThreadIndexing.InstanceId, IndexingProgress.Start, context.CancellationToken);
            var location = HttpAnswers.Link(request, "threads", $"operations/{ThreadIndexing.InstanceId}");
            return HttpAnswers.Json(new { Operation = ThreadIndexing.InstanceId, StatusUrl = location }, StatusCodes.Status202Accepted, request, location);
        });

    private static DateTimeOffset? Time(double? seconds) => seconds is { } known ? StatisticsReader.AtUnixSeconds(known) : null;
}
