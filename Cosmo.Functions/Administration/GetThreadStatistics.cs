using Cosmo.Functions.Hosting;
using Cosmo.Functions.Threads.Index;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Administration;

/// <summary>How many threads there are, how old and how busy; as JSON, or with <c>?format=table</c> as text.</summary>
internal sealed class GetThreadStatistics(StatisticsReader statistics, ILogger<GetThreadStatistics> logger)
{
    [Function(nameof(GetThreadStatistics))]
    public Task<IActionResult> RunAsync(
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
}
