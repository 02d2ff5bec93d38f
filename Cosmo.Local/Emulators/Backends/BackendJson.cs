using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.Backends;

/// <summary>JSON answers.</summary>
internal static class BackendJson
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Task WriteAsync(HttpContext context, int status, JsonNode body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json; charset=utf-8";
        return context.Response.WriteAsync(body.ToJsonString(Plain), context.RequestAborted);
    }

    /// <summary>Answers 401 and is false when a call brings no <c>x-api-key</c>.</summary>
    public static async Task<bool> HasKeyAsync(HttpContext context)
    {
        if (!string.IsNullOrWhiteSpace(context.Request.Headers["x-api-key"]))
        {
            return true;
        }

        await WriteAsync(context, StatusCodes.Status401Unauthorized, Message("The x-api-key header is missing or wrong."));
        return false;
    }

    public static JsonObject Message(string text) => new() { ["message"] = text };
}
