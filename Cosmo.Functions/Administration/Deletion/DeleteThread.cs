using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Threads;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Administration.Deletion;

/// <summary>Deletes the thread of a channel: its conversation at OpenAI, then its keys. Without <c>confirm=DELETE</c> it says what it would delete.</summary>
internal sealed class DeleteThread(ThreadReader threads, ThreadRemoval removal, ILogger<DeleteThread> logger)
{
    [Function(nameof(DeleteThread))]
    public Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "delete", Route = "threads/{channel}")] HttpRequest request, string channel, FunctionContext context) =>
        Guard.RunAsync(logger, async () =>
        {
            if (!RouteChannel.TryRead(channel, out var name))
            {
                return RouteChannel.NotAChannel;
            }

            var confirmation = Confirmations.Of(request);
            if (confirmation is Confirmation.Wrong)
            {
                return Confirmations.NotConfirmed;
            }

            var snapshot = await threads.ReadAsync(name, context.CancellationToken);
            if (!snapshot.Exists)
            {
                return GetThread.NoThread();
            }

            if (confirmation is Confirmation.Given
                && await removal.RemoveAsync(name, double.MaxValue, isForced: true, new Breaker(1), context.CancellationToken) is RemovalOutcome.Failed)
            {
                return HttpAnswers.Problem(
                    StatusCodes.Status503ServiceUnavailable, "OpenAI is not available", "OpenAI did not delete the conversation, so its keys stay. Please try again.");
            }

            var isDryRun = confirmation is Confirmation.None;
            return HttpAnswers.Json(new { DryRun = isDryRun, Channel = name, snapshot.ThreadId, MessageCount = snapshot.Metadata?.Messages });
        });
}
