using Microsoft.AspNetCore.Mvc;

namespace Cosmo.Functions.Hosting;

/// <summary>An error as problem details (RFC 9457).</summary>
internal static class ProblemAnswer
{
    private const string MediaType = "application/problem+json";

    public static ObjectResult Of(int status, string title, string detail) =>
        new(new ProblemDetails { Type = "about:blank", Status = status, Title = title, Detail = detail })
        {
            StatusCode = status,
            ContentTypes = { MediaType },
        };
}
