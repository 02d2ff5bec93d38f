using Cosmo.Functions.Access;
using Cosmo.Functions.Hosting;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Administration;

/// <summary>What was used, by user, channel, profile or model.</summary>
internal sealed class UsageFunctions(UsageLedger ledger, IOptions<LimitOptions> options, TimeProvider clock, ILogger<UsageFunctions> logger)
{
    private const int MostRows = 1_000;

    /// <summary>The last <c>days</c> (7), today among them, by <c>user</c>; <c>?by=</c> names another.</summary>
    [Function("GetUsage")]
    public Task<IActionResult> GetAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "get", Route = "usage")] HttpRequest request, FunctionContext context) =>
        Guard.RunAsync(logger, async () =>
        {
            var most = options.Value.UsageDays;
            var (days, refusal) = request.ReadNumber("days", "days", Math.Min(most, 7), most, ": so long usage is kept");
            if (refusal is not null)
            {
                return refusal;
            }

            var named = request.Query["by"].ToString();
            if (!Enum.TryParse<UsageDimension>(named.Length > 0 ? named : "user", ignoreCase: true, out var by) || !Enum.IsDefined(by) || int.TryParse(named, out _))
            {
                return HttpAnswers.Problem(StatusCodes.Status400BadRequest, "Not a way to add up", "'by' must be user, channel, profile or model.");
            }

            var to = DateOnly.FromDateTime(clock.GetUtcNow().UtcDateTime);
            var from = to.AddDays(1 - days);
            return HttpAnswers.Json(new { from, to, rows = await ledger.ReadAsync(from, to, by, MostRows, context.CancellationToken) });
        });
}
