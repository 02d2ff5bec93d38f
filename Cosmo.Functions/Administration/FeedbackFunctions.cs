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
            var (days, refusal) = request.ReadNumber("days", "days", standard: 30, FeedbackLedger.KeptDays, ": so long feedback is kept");
            if (refusal is not null)
            {
                return refusal;
            }

            var rating = request.Query["rating"].ToString();
            if (rating is not ("" or GivenFeedback.Up or GivenFeedback.Down))
            {
                return HttpAnswers.Problem(StatusCodes.Status400BadRequest, "Not a rating", "'rating' must be up or down.");
            }

            var (feedback, truncated) = await ledger.ReadAsync(days, rating.Length == 0 ? null : rating, MostRows, context.CancellationToken);
            return HttpAnswers.Json(new { feedback, truncated });
        });
}
