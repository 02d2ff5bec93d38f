using System.Globalization;
using Microsoft.AspNetCore.Mvc;

namespace Cosmo.Functions.Hosting;

/// <summary>What the HTTP functions answer with, and how they read what they are sent.</summary>
internal static class HttpAnswers
{
    /// <summary>JSON with the names in snake_case.</summary>
    public static IActionResult Json(object value, int status = StatusCodes.Status200OK) => new JsonResult(value, CosmoJson.Options) { StatusCode = status };

    /// <summary>The same, and where to look next.</summary>
    public static IActionResult Json(object value, int status, HttpRequest request, string location)
    {
        request.HttpContext.Response.Headers.Location = location;
        return Json(value, status);
    }

    /// <summary>An error as problem details (RFC 9457).</summary>
    public static IActionResult Problem(int status, string title, string detail) =>
        new ObjectResult(new ProblemDetails { Type = "about:blank", Status = status, Title = title, Detail = detail })
        {
            StatusCode = status,
            ContentTypes = { "application/problem+json" },
        };

    /// <summary>The body, or null if it is longer.</summary>
    public static async Task<byte[]?> ReadAsync(this HttpRequest request, int mostBytes, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        var buffer = new byte[16_384];
        for (int read; (read = await request.Body.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            if (body.Length + read > mostBytes)
            {
                return null;
            }

            body.Write(buffer, 0, read);
        }

        return body.ToArray();
    }

    /// <summary>A whole number from 1 to the most that the query may name; the standard where it names none. Else the answer: 400.</summary>
    /// <param name="request">The request.</param>
    /// <param name="name">The query's parameter.</param>
    /// <param name="of">What it is a number of.</param>
    /// <param name="standard">The number where none is named.</param>
    /// <param name="most">The largest.</param>
    /// <param name="why">What the sentence adds of the largest.</param>
    public static (int Number, IActionResult? Refusal) ReadNumber(this HttpRequest request, string name, string of, int standard, int most, string why = "")
    {
        var text = request.Query[name].ToString();
        var number = standard;
        return text.Length == 0 || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= 1 && number <= most)
            ? (number, null)
            : (number, Problem(StatusCodes.Status400BadRequest, $"Not a number of {of}", $"'{name}' must be a whole number from 1 to {most}{why}."));
    }

    /// <summary>The body of a request is longer than is taken: 413.</summary>
    public static IActionResult TooLong(int mostBytes) =>
        Problem(StatusCodes.Status413PayloadTooLarge, "Too long", $"At most {mostBytes} bytes are taken.");

    /// <summary>A call to Redis failed: 503 where it is away, 500 where it refuses what waiting does not mend.</summary>
    /// <param name="failed">What was not done, as a sentence.</param>
    public static IActionResult RedisProblem(Exception exception, string failed) => RedisFault.MayPass(exception)
        ? Problem(StatusCodes.Status503ServiceUnavailable, "Redis is not available", $"{failed} Please try again in a moment.")
        : Problem(
            StatusCodes.Status500InternalServerError,
            "Redis refuses",
            $"{failed} Redis answers, but refuses the command: a key holds another type, or a right or password is missing. The log says which.");

    /// <summary>A call to the Durable store failed: 503.</summary>
    /// <param name="failed">What was not done, as a sentence.</param>
    public static IActionResult StoreProblem(string failed) =>
        Problem(StatusCodes.Status503ServiceUnavailable, "The Durable store is not available", $"{failed} Please try again in a moment.");

    /// <summary>The address of another function, seen from one whose route begins with a segment.</summary>
    public static string Link(HttpRequest request, string segment, string route)
    {
        var path = request.Path.Value ?? "";
        var prefix = path[..Math.Max(0, path.IndexOf($"/{segment}", StringComparison.OrdinalIgnoreCase))];
        return $"{request.Scheme}://{request.Host}{prefix}/{route}";
    }
}
