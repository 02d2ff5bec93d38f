using Cosmo.Functions.Hosting;
using Microsoft.AspNetCore.Mvc;

namespace Cosmo.Functions.Administration.Deletion;

/// <summary>Whether a request that destroys is meant.</summary>
internal enum Confirmation
{
    /// <summary>Nothing was said: a dry run.</summary>
    None,

    /// <summary><c>confirm=DELETE</c>.</summary>
    Given,

    /// <summary>Something else was said.</summary>
    Wrong,
}

internal static class Confirmations
{
    /// <summary>The answer to a wrong one.</summary>
    public static IActionResult NotConfirmed => HttpAnswers.Problem(
        StatusCodes.Status400BadRequest, "Not confirmed", "'confirm' must be exactly DELETE; without it nothing is deleted, and the answer says what would be.");

    public static Confirmation Of(HttpRequest request) => request.Query["confirm"].ToString() switch
    {
        "" => Confirmation.None,
        "DELETE" => Confirmation.Given,
        _ => Confirmation.Wrong,
    };
}
