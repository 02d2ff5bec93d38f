using System.Globalization;
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
            if (!int.TryParse(Or(request, "days", Math.Min(most, 7).ToString(CultureInfo.InvariantCulture)), NumberStyles.None, CultureInfo.InvariantCulture, out var days) || days < 1 || days > most)
            {
                return HttpAnswers.Problem(StatusCodes.Status400BadRequest, "Not a number of days", $"'days' must be a whole number from 1 to {most}: so long usage is kept.");
            }

            if (!Enum.TryParse<UsageDimension>(Or(request, "by", "user"), ignoreCase: true, out var by) || !Enum.IsDefined(by) || int.TryParse(request.Query["by"], out _))
            {
                return HttpAnswers.Problem(StatusCodes.Status400BadRequest, "Not a way to add up", "'by' must be user, channel, profile or model.");
            }

            var to = DateOnly.FromDateTime(clock.GetUtcNow().UtcDateTime);
            var from = to.AddDays(1 - days);
            return HttpAnswers.Json(new { from, to, rows = await ledger.ReadAsync(from, to, by, MostRows, context.CancellationToken) });
        });

    private static string Or(HttpRequest request, string name, string standard) => request.Query[name].ToString() is { Length: > 0 } value ? value : standard;
}
