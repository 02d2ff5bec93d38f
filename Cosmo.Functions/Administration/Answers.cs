using Cosmo.Functions.Hosting;
using Microsoft.AspNetCore.Mvc;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Administration;

/// <summary>Answers of the operators' functions.</summary>
internal static class Answers
{
    /// <summary>JSON with the names in snake_case.</summary>
    public static IActionResult Json(object value, int status = StatusCodes.Status200OK) => new JsonResult(value, CosmoJson.Options) { StatusCode = status };

    /// <summary>The same, and where to look next.</summary>
    public static IActionResult Json(object value, int status, HttpRequest request, string location)
    {
        request.HttpContext.Response.Headers.Location = location;
        return Json(value, status);
    }

    /// <summary>The address of another function, seen from one whose route begins with a segment.</summary>
    public static string Link(HttpRequest request, string segment, string route)
    {
        var path = request.Path.Value ?? "";
        var prefix = path[..Math.Max(0, path.IndexOf($"/{segment}", StringComparison.OrdinalIgnoreCase))];
        return $"{request.Scheme}://{request.Host}{prefix}/{route}";
    }

    /// <summary>The status of an orchestration as a word.</summary>
    public static string Word(OrchestrationRuntimeStatus status) => status.ToString().ToLowerInvariant();

    public static double Seconds(OrchestrationMetadata instance, TimeProvider clock) =>
        Math.Round(((instance.IsCompleted ? instance.LastUpdatedAt : clock.GetUtcNow()) - instance.CreatedAt).TotalSeconds, 3);
}
