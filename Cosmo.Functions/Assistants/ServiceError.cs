using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json;
using System.Text.RegularExpressions;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Assistants;

/// <summary>Reads the errors that the service answers with, as an HTTP status or inside a stream.</summary>
internal static partial class ServiceError
{
    /// <summary>An answer with an error status.</summary>
    public static Fault Read(ClientResultException exception, DateTimeOffset now)
    {
        var answer = exception.GetRawResponse();
        var (code, message) = ReadBody(answer);
        var status = exception.Status;
        var fault = Of(status, code, message) with
        {
            Status = status,
            Code = code,
            ServiceText = message,
            RetryAfter = answer is null ? null : RetryAfter(answer.Headers, now),
        };

        // What the service's gateway says in place of the service has no code.
        return fault with { Message = $"{fault.Message} (status {status}{(Shown(code) is { } shown ? $", {shown}" : "")})" };
    }

    /// <summary>An error event, or the error of a response that failed.</summary>
    public static Fault InStream(string? code, string? message, PipelineResponseHeaders headers, DateTimeOffset now)
    {
        var fault = code switch
        {
            "invalid_prompt" or "invalid_request_error" => Of(400, code, message),
            "rate_limit_exceeded" => Of(429, code, message),
            _ => Of(500, code, message),
        };
        return fault with
        {
            Code = code,
            ServiceText = message,
            RetryAfter = RetryAfter(headers, now),
            Message = Shown(code) is { } shown ? $"{fault.Message} ({shown})" : fault.Message,
        };
    }

    private static Fault Of(int status, string? code, string? message) => (status, code) switch
    {
        (_, "insufficient_quota") => new(AssistantFailure.RateLimit, "The account of the model's service has no quota left.", MayPass: false),
        (_, "conversation_locked") => new(AssistantFailure.Other, "Another answer is still being made in this conversation.", MayPass: true),
        (_, "content_filter" or "content_policy_violation") =>
            new(AssistantFailure.ContentFilter, "The request was refused by a content filter.", MayPass: false),
        (429, _) => new(AssistantFailure.RateLimit, "The model's service gets too many requests.", MayPass: true),
        (404, _) when Text(message).Contains("conversation", StringComparison.OrdinalIgnoreCase) =>
            new(AssistantFailure.ThreadGone, "The conversation does not exist any more.", MayPass: false),
        (404, _) => new(AssistantFailure.Other, "The model's service does not know what was asked for, such as the model or the deployment.", MayPass: false),
        (401 or 403, _) => new(AssistantFailure.Other, "The model's service does not accept Cosmo's key or identity.", MayPass: false),
        (408 or 504, _) => new(AssistantFailure.Timeout, "The model's service did not answer in time.", MayPass: true),
        ( >= 500, _) => new(AssistantFailure.Other, "The model's service has a problem.", MayPass: true),
        _ => new(AssistantFailure.InvalidRequest, "The model's service refused the request as invalid.", MayPass: false)
        {
            UnansweredCall = MissingOutput().Match(Text(message)) is { Success: true } match ? match.Groups[1].Value : null,
        },
    };

    private static (string? Code, string? Message) ReadBody(PipelineResponse? answer)
    {
        try
        {
            if (answer is null || !JsonElement.Parse(answer.Content).TryGetProperty("error", out var error) || error.ValueKind != JsonValueKind.Object)
            {
                return default;
            }

            return (Member(error, "code"), Member(error, "message"));
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Not JSON, not an object, or not there any more: the status says enough.
            return default;
        }
    }

    private static string? Member(JsonElement error, string name) =>
        error.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static TimeSpan? RetryAfter(PipelineResponseHeaders headers, DateTimeOffset now) =>
        headers.TryGetValue("Retry-After", out var text) ? RetryAfterHeader.Read(text, now) : null;

    private static string? Shown(string? code) => code is not null && Identifier().IsMatch(code) ? code : null;

    private static string Text(string? message) => message ?? "";

    [GeneratedRegex("No tool output found for function call ([A-Za-z0-9_-]+)", RegexOptions.IgnoreCase)]
    private static partial Regex MissingOutput();

    [GeneratedRegex(@"^[A-Za-z0-9_.-]{1,64}\z")]
    private static partial Regex Identifier();
}
