using System.ClientModel;
using System.ClientModel.Primitives;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Cosmo.Functions.Assistants.Responses;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Assistants;

/// <summary>Reads the errors that the service answers with, as an HTTP status or inside a stream: by their code, their type, and the status.</summary>
internal static partial class ServiceError
{
    private static readonly Fault NoQuota = new(AssistantFailure.RateLimit, "The account of the model's service has no quota left.", MayPass: false)
    {
        Told = "The model's service takes no requests at the moment.",
        IsOfModel = true,
    };

    private static readonly Fault NotAccepted = new(AssistantFailure.Other, "The model's service does not accept Cosmo's key or identity.", MayPass: false)
    {
        Told = "The model's service cannot be used at the moment.",
    };

    private static readonly Fault Unknown = new(
        AssistantFailure.Other, "The model's service does not know what was asked for, such as the model or the deployment.", MayPass: false)
    {
        Told = "The model's service cannot be used at the moment.",
        IsOfModel = true,
    };

    private static readonly Fault Locked = new(AssistantFailure.Other, "Another answer is still being made in this conversation.", MayPass: true);
    private static readonly Fault Filtered = new(AssistantFailure.ContentFilter, "The request was refused by a content filter.", MayPass: false);
    private static readonly Fault TooMany = new(AssistantFailure.RateLimit, "The model's service gets too many requests.", MayPass: true) { IsOfModel = true };
    private static readonly Fault TooLarge = TooMany with { MayPass = false };
    private static readonly Fault NoThread = new(AssistantFailure.ThreadGone, "The conversation does not exist any more.", MayPass: false);
    private static readonly Fault Late = new(AssistantFailure.Timeout, "The model's service did not answer in time.", MayPass: true);
    private static readonly Fault Invalid = new(AssistantFailure.InvalidRequest, "The model's service refused the request as invalid.", MayPass: false);
    private static readonly Fault Broken = new(AssistantFailure.Other, "The model's service has a problem.", MayPass: true) { IsOfModel = true };

    /// <summary>What tells the cause whatever the status is. OpenAI's codes and types, Azure's, and those of vLLM and LiteLLM, without case and signs.</summary>
    private static readonly Dictionary<string, Fault> Words = By(
        (NoQuota, "insufficient_quota quota_exceeded billing_hard_limit_reached billing_not_active account_deactivated budget_exceeded"),
        (NotAccepted, "invalid_api_key incorrect_api_key authentication_error permission_error permission_denied_error unauthorized access_denied unsupported_country_region_territory"),
        (Unknown, "model_not_found deployment_not_found"),
        (Locked, "conversation_locked"),
        (Filtered, "content_filter content_policy_violation content_policy_violation_error responsible_ai_policy_violation moderation_blocked"),
        (TooMany, "rate_limit_exceeded rate_limit_error too_many_requests requests tokens slow_down throttled"),
        (NoThread, "conversation_not_found"),
        (Late, "timeout timeout_error request_timeout gateway_timeout"),
        (Invalid, "context_length_exceeded context_window_exceeded_error invalid_prompt string_above_max_length invalid_value invalid_type unknown_parameter missing_required_parameter unsupported_parameter unsupported_value"));

    /// <summary>What says less than a status of the 400s does.</summary>
    private static readonly Dictionary<string, Fault> VagueWords = By(
        (Invalid, "invalid_request_error bad_request_error bad_request unprocessable_entity_error"),
        (Broken, "server_error internal_server_error internal_error api_error service_unavailable service_unavailable_error overloaded_error engine_overloaded"));

    /// <summary>An answer with an error status.</summary>
    public static Fault Read(ClientResultException exception, DateTimeOffset now)
    {
        var answer = exception.GetRawResponse();
        var body = Body(answer);
        var fault = Of(exception.Status, body.Member("error") is { ValueKind: JsonValueKind.Object } error ? error : body);
        return fault with
        {
            Status = exception.Status,
            RetryAfter = answer is null ? null : RetryAfter(answer.Headers, now),

            // What the service's gateway says in place of the service has no code.
            Message = $"{fault.Message} (status {exception.Status}{(Shown(fault.Code) is { } shown ? $", {shown}" : "")})",
        };
    }

    /// <summary>An error event, or the error of a response that failed.</summary>
    public static Fault InStream(JsonElement? error, PipelineResponseHeaders headers, DateTimeOffset now)
    {
        var fault = Of(0, error);
        return fault with
        {
            RetryAfter = RetryAfter(headers, now),
            Message = Shown(fault.Code) is { } shown ? $"{fault.Message} ({shown})" : fault.Message,
        };
    }

    private static Fault Of(int status, JsonElement? error)
    {
        var (code, type, message) = (error.Text("code"), error.Text("type"), error.Text("message") ?? "");
        if (status == 0 && int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 400 and < 600)
        {
            // Gateways put the status in the place of the code.
            status = number;
        }

        var fault = Word(Words, code) ?? Word(Words, type) ?? OfStatus(status, message) ?? Word(VagueWords, code) ?? Word(VagueWords, type) ?? Broken;
        if (fault == TooMany && message.Contains("request too large", StringComparison.OrdinalIgnoreCase))
        {
            fault = TooLarge;
        }

        return fault with
        {
            Code = code ?? (Word(Words, type) is null ? null : type),
            ServiceText = message,
            UnansweredCall = MissingOutput().Match(message) is { Success: true } match ? match.Groups[1].Value : null,
        };
    }

    private static Fault? OfStatus(int status, string message) => status switch
    {
        401 or 403 => NotAccepted,
        404 => message.Contains("conversation", StringComparison.OrdinalIgnoreCase) ? NoThread : Unknown,
        408 or 504 => Late,
        409 or 425 => Broken,
        429 => TooMany,
        >= 400 and < 500 => Invalid,
        _ => null,
    };

    private static Dictionary<string, Fault> By(params ReadOnlySpan<(Fault Fault, string Words)> rows)
    {
        var faults = new Dictionary<string, Fault>();
        foreach (var (fault, words) in rows)
        {
            foreach (var word in words.Split(' '))
            {
                faults.Add(Plain(word), fault);
            }
        }

        return faults;
    }

    private static Fault? Word(Dictionary<string, Fault> words, string? word) => word is null ? null : words.GetValueOrDefault(Plain(word));

    /// <summary>RateLimitError and rate_limit_error are one word.</summary>
    private static string Plain(string word) => string.Concat(word.Where(char.IsAsciiLetter)).ToLowerInvariant();

    private static JsonElement? Body(PipelineResponse? answer)
    {
        try
        {
            return answer is null ? null : ServiceJson.Parse(answer.Content);
        }
        catch (InvalidOperationException)
        {
            // It is not there any more: the status says enough.
            return null;
        }
    }

    private static TimeSpan? RetryAfter(PipelineResponseHeaders headers, DateTimeOffset now) =>
        headers.TryGetValue("Retry-After", out var text) ? RetryAfterHeader.Read(text, now) : null;

    private static string? Shown(string? code) => code is not null && Identifier().IsMatch(code) ? code : null;

    [GeneratedRegex("No tool output found for function call ([A-Za-z0-9_-]+)", RegexOptions.IgnoreCase)]
    private static partial Regex MissingOutput();

    [GeneratedRegex(@"^[A-Za-z0-9_.-]{1,64}\z")]
    private static partial Regex Identifier();
}
