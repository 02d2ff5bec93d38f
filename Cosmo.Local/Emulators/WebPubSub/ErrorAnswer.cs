namespace Cosmo.Local.Emulators.WebPubSub;

/// <summary>The service's error body, whose code also stands in a header.</summary>
internal static class ErrorAnswer
{
    public static Task WriteErrorAsync(this HttpResponse response, int status, string code, string message)
    {
        response.StatusCode = status;
        response.Headers["x-ms-error-code"] = code;
        return HttpMethods.IsHead(response.HttpContext.Request.Method)
            ? Task.CompletedTask
            : response.WriteAsJsonAsync(new { code, message, target = (string?)null, details = Array.Empty<object>(), inner = (object?)null });
    }

    public static Task WriteUnauthorizedAsync(this HttpResponse response, string message) =>
        response.WriteErrorAsync(StatusCodes.Status401Unauthorized, "Unauthorized", message);

    public static Task WriteBadRequestAsync(this HttpResponse response, string message) =>
        response.WriteErrorAsync(StatusCodes.Status400BadRequest, "BadRequest", message);
}
