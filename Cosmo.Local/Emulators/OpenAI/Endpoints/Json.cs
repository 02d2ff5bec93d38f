using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Cosmo.Local.Emulators.OpenAI.Wire;

namespace Cosmo.Local.Emulators.OpenAI.Endpoints;

/// <summary>JSON bodies of requests and answers.</summary>
internal static class Json
{
    /// <summary>For the controls: camel case, and an unknown field is an error rather than a fault that never comes.</summary>
    public static JsonSerializerOptions Controls { get; } = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    public static JsonSerializerOptions Wire { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>The body as an object; an absent one counts as an empty object.</summary>
    public static async Task<JsonObject> ReadObjectAsync(HttpRequest request)
    {
        if (request.ContentLength == 0)
        {
            return [];
        }

        try
        {
            return await JsonNode.ParseAsync(request.Body, null, Strict, request.HttpContext.RequestAborted) as JsonObject ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw new ApiException(400, "We could not parse the JSON body of your request. The API expects a JSON object.");
        }
    }

    public static async Task WriteAsync(HttpResponse response, JsonNode body, int status = StatusCodes.Status200OK)
    {
        response.StatusCode = status;
        response.ContentType = "application/json";
        var bytes = JsonSerializer.SerializeToUtf8Bytes(body, Wire);
        response.ContentLength = bytes.Length;
        await response.Body.WriteAsync(bytes, response.HttpContext.RequestAborted);
    }
}
