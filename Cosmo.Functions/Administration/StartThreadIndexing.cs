using Cosmo.Functions.Hosting;
using Cosmo.Functions.Threads.Index;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Administration;

/// <summary>Compares all keys with the index now, rather than at the next turn of its timer.</summary>
internal sealed class StartThreadIndexing(ILogger<StartThreadIndexing> logger)
{
    [Function(nameof(StartThreadIndexing))]
    public Task<IActionResult> RunAsync(
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
}
