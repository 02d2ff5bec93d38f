using System.Globalization;
using Cosmo.Functions.Answering.Feedback;
using Cosmo.Functions.Hosting;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Administration;

/// <summary>What users think of answers.</summary>
internal sealed class FeedbackFunctions(FeedbackLedger ledger, ILogger<FeedbackFunctions> logger)
{
    private const int MostRows = 1_000;

    /// <summary>That of the last <c>days</c> (30), newest first; <c>?rating=down</c> or <c>up</c> alone.</summary>
    [Function("ListFeedback")]
    public Task<IActionResult> ListAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "get", Route = "feedback")] HttpRequest request, FunctionContext context) =>
        Guard.RunAsync(logger, async () =>
        {
            var (given, rating) = (request.Query["days"].ToString(), request.Query["rating"].ToString());
            var days = 30;
            if (given.Length > 0 && (!int.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out days) || days is < 1 or > FeedbackLedger.KeptDays))
            {
                return HttpAnswers.Problem(
                    StatusCodes.Status400BadRequest, "Not a number of days", $"'days' must be a whole number from 1 to {FeedbackLedger.KeptDays}: so long feedback is kept.");
            }

            if (rating is not ("" or GivenFeedback.Up or GivenFeedback.Down))
            {
                return HttpAnswers.Problem(StatusCodes.Status400BadRequest, "Not a rating", "'rating' must be up or down.");
            }

            var (feedback, truncated) = await ledger.ReadAsync(days, rating.Length == 0 ? null : rating, MostRows, context.CancellationToken);
            return HttpAnswers.Json(new { feedback, truncated });
        });
}
