using Microsoft.AspNetCore.Mvc;

namespace Cosmo.Functions.Tests;

internal static class ProblemAnswers
{
    /// <summary>What a function that was called directly answers with problem details.</summary>
    public static (int? Status, string? Title, string? Detail) Told(this IActionResult? answer)
    {
        var problem = answer.ShouldBeOfType<ObjectResult>();
        var details = problem.Value.ShouldBeOfType<ProblemDetails>();
        return (problem.StatusCode, details.Title, details.Detail);
    }
}
