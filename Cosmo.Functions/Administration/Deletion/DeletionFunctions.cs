using System.Globalization;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Threads;
using Cosmo.Functions.Threads.Index;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Administration.Deletion;

/// <summary>
/// Deletes threads: their conversations at OpenAI, then their keys. Without <c>confirm=DELETE</c> the functions say what they would delete.
/// </summary>
internal sealed class DeletionFunctions(
    ThreadReader threads,
    ThreadRemoval removal,
    ChannelErasure erasure,
    ThreadIndex index,
    ThreadIndexer indexer,
    DeadLetterQueue deadLetters,
    TimeProvider clock,
    ILogger<DeletionFunctions> logger)
{
    private const int MostDays = 36_500;
    private const int Examples = 10;

    /// <summary>The thread of a channel, what is kept of its messages, and its dead letters, at once. What is being answered is cancelled.</summary>
    [Function("DeleteThread")]
    public Task<IActionResult> DeleteAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "delete", Route = "threads/{channel}")] HttpRequest request,
        string channel,
        [DurableClient] DurableTaskClient client,
        FunctionContext context) =>
        Guard.RunAsync(logger, async () =>
        {
            if (!RouteName.TryRead(channel, out var name))
            {
                return RouteName.NotAChannel;
            }

            var confirmation = Confirmations.Of(request);
            if (confirmation is Confirmation.Wrong)
            {
                return Confirmations.NotConfirmed;
            }

            var snapshot = await threads.ReadAsync(name, context.CancellationToken);
            var messages = await erasure.FindAsync(name, context.CancellationToken);
            var letters = await CountLettersAsync(letter => letter.Channel == name, context.CancellationToken);
            if (!snapshot.Exists && !snapshot.Unreadable.Any() && messages.Count == 0 && letters == 0)
            {
                return ThreadFunctions.NoThread;
            }

            if (confirmation is Confirmation.Given
                && await removal.RemoveAsync(name, double.MaxValue, isForced: true, new Breaker(1), client, context.CancellationToken) is RemovalOutcome.Failed)
            {
                return HttpAnswers.Problem(
                    StatusCodes.Status503ServiceUnavailable, "OpenAI is not available", "OpenAI did not delete the conversation, so its keys stay. Please try again.");
            }

            // Last: what was being answered may have left some.
            var isDryRun = confirmation is Confirmation.None;
            letters = isDryRun ? letters : await deadLetters.DeleteAsync(letter => letter.Channel == name, context.CancellationToken);
            return HttpAnswers.Json(new
            {
                DryRun = isDryRun,
                Channel = name,
                snapshot.ThreadId,
                MessageCount = snapshot.Metadata?.Messages,
                UnreadableKeys = threads.NamesOf(snapshot),
                DeadLetters = letters,
                AnswersKept = messages.Count,
                AnswersLeft = isDryRun ? messages.Count : (await erasure.FindAsync(name, context.CancellationToken)).Count,
            });
        });

    /// <summary>
    /// All threads (<c>all=true</c>), or those whose last message is older (<c>olderThanDays</c>): starts an orchestration and says where to follow it.
    /// </summary>
    [Function("DeleteThreads")]
    public Task<IActionResult> DeleteManyAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "delete", Route = "threads")] HttpRequest request,
        [DurableClient] DurableTaskClient client,
        FunctionContext context) =>
        Guard.RunAsync(logger, async () =>
        {
            if (!TryReadDays(request, out var days))
            {
                return HttpAnswers.Problem(
                    StatusCodes.Status400BadRequest,
                    "Not a choice of threads",
                    $"Say either all=true, or olderThanDays with a whole number from 1 to {MostDays}.");
            }

            var latest = (clock.GetUtcNow() - TimeSpan.FromDays(days)).ToUnixTimeMilliseconds() / 1000.0;
            return Confirmations.Of(request) switch
            {
                Confirmation.None => await DescribeAsync(latest, isForced: days == 0, context.CancellationToken),
                Confirmation.Given => await StartAsync(request, client, latest, isForced: days == 0, context.CancellationToken),
                _ => Confirmations.NotConfirmed,
            };
        });

    /// <summary>0 days are all threads.</summary>
    private static bool TryReadDays(HttpRequest request, out int days)
    {
        var (all, older) = (request.Query["all"].ToString(), request.Query["olderThanDays"].ToString());
        days = 0;
        return all.Length > 0
            ? all == "true" && older.Length == 0
            : int.TryParse(older, NumberStyles.None, CultureInfo.InvariantCulture, out days) && days is >= 1 and <= MostDays;
    }

    private async Task<int> CountLettersAsync(Func<StoredDeadLetter, bool> isMeant, CancellationToken cancellationToken) =>
        (await deadLetters.ListAsync(withBodies: false, cause: null, cancellationToken)).Letters.Count(stored => isMeant(stored.Letter));

    private async Task<IActionResult> DescribeAsync(double latest, bool isForced, CancellationToken cancellationToken)
    {
        await indexer.RefreshIfSmallAsync(cancellationToken);
        var oldest = await index.ReadOldestAsync(IndexCursor.Start, latest, Examples, cancellationToken);
        var abandoned = await index.CountAbandonedAsync(IndexCursor.Start, cancellationToken);
        return HttpAnswers.Json(new
        {
            DryRun = true,
            WouldDelete = await index.CountAsync(latest, cancellationToken) + abandoned,
            Abandoned = abandoned,
            DeadLetters = isForced ? await CountLettersAsync(_ => true, cancellationToken) : 0,
            Oldest = oldest.Select(entry => new { Channel = (string)entry.Element!, LastMessageAt = StatisticsReader.AtUnixSeconds(entry.Score) }),
            Confirm = "Add confirm=DELETE to delete them.",
        });
    }

    private async Task<IActionResult> StartAsync(
        HttpRequest request, DurableTaskClient client, double latest, bool isForced, CancellationToken cancellationToken)
    {
        var location = HttpAnswers.Link(request, "threads", $"operations/{ThreadDeletion.DeletionId}");
        var total = await index.CountAsync(latest, cancellationToken) + await index.CountAbandonedAsync(IndexCursor.Start, cancellationToken);
        var input = DeletionInput.Begin(latest, isForced, indexesFirst: true, total);
        if (!await SingleInstance.TryStartAsync(client, nameof(ThreadDeletion), ThreadDeletion.DeletionId, input, cancellationToken))
        {
            request.HttpContext.Response.Headers.Location = location;
            return HttpAnswers.Problem(StatusCodes.Status409Conflict, "A deletion runs already", $"Wait for it, or cancel it, at {location}.");
        }

        logger.DeletionStarted(ThreadDeletion.DeletionId, isForced);
        return HttpAnswers.Json(new { Operation = ThreadDeletion.DeletionId, StatusUrl = location }, StatusCodes.Status202Accepted, request, location);
    }
}
