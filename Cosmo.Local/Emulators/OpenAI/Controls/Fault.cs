using System.Text.Json.Nodes;
using Cosmo.Local.Emulators.OpenAI.Wire;

namespace Cosmo.Local.Emulators.OpenAI.Controls;

/// <summary>Something that goes wrong on purpose. README.md describes each field; delays are in milliseconds.</summary>
internal sealed record Fault : Rule
{
    /// <summary>"responses" (only <c>POST /responses</c>) or "conversations" (all calls on conversations and their items).</summary>
    public string Endpoint { get; init; } = "responses";

    public int? Status { get; init; }

    public string? Code { get; init; }

    /// <summary>The type of an HTTP error whose body is made.</summary>
    public string? Type { get; init; }

    public JsonNode? Body { get; init; }

    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    public int DelayBeforeHeaders { get; init; }

    public int DelayBeforeFirstEvent { get; init; }

    public int? StallAfterTokens { get; init; }

    public int? CutAfterTokens { get; init; }

    public bool CutAtCompletion { get; init; }

    /// <summary>After so many events the connection on which a background response was asked for breaks; the response goes on.</summary>
    public int? LoseClientAfterEvents { get; init; }

    public int? EndAfterTokens { get; init; }

    public int? FailAfterTokens { get; init; }

    /// <summary>Null for an error without a code.</summary>
    public string? FailCode { get; init; } = "server_error";

    /// <summary>The type of the error; null for one without.</summary>
    public string? FailType { get; init; }

    /// <summary>An event <c>error</c> after so many tokens, with code and type of <c>failCode</c> and <c>failType</c>.</summary>
    public int? ErrorAfterTokens { get; init; }

    public int? IncompleteAfterTokens { get; init; }

    public string IncompleteReason { get; init; } = "max_output_tokens";

    /// <summary>A rate limit inside a stream that began with 200; the value of its Retry-After, in seconds.</summary>
    public int? RateLimitInStream { get; init; }

    /// <summary>The response completes, and its last event lists no output.</summary>
    public bool EmptyOutput { get; init; }

    /// <summary>Numbers come with a fraction, an exponent, or as texts.</summary>
    public bool OddNumbers { get; init; }

    /// <summary>Every emoji comes in two deltas, each with one of its two escapes.</summary>
    public bool SplitEmoji { get; init; }

    /// <summary>Events of types that nobody knows come between the others.</summary>
    public bool UnknownEvents { get; init; }

    /// <summary>After so many tokens one event is no JSON; what follows is as it should be.</summary>
    public int? UnreadableAfterTokens { get; init; }

    /// <summary>The response completes, but nothing of it comes into its conversation.</summary>
    public bool LoseItems { get; init; }

    /// <summary>The response is not to be had any more, whatever became of it.</summary>
    public bool HideResponse { get; init; }

    public int? Pace { get; init; }

    public int? LongAnswer { get; init; }

    public bool ToolStorm { get; init; }

    public bool BadToolArguments { get; init; }

    public bool UnknownTool { get; init; }

    public override bool Matches(string endpoint, string? conversation, string userText, string? model) =>
        endpoint == Endpoint && base.Matches(endpoint, conversation, userText, model);

    /// <summary>The body of the HTTP error: the one given, or the service's own for the status and code.</summary>
    public JsonNode ErrorBody() => Body?.DeepClone() ?? (Status, Code) switch
    {
        (_, "conversation_locked") => ApiException.Error(
            "Another process is currently operating on this conversation. Please retry in a few seconds.",
            "invalid_request_error",
            "conversation",
            "conversation_locked"),
        (_, "insufficient_quota") => ApiException.Error(
            "You exceeded your current quota, please check your plan and billing details.",
            "insufficient_quota",
            null,
            "insufficient_quota"),
        _ when Type is not null => ApiException.Error("The request cannot be served.", Type, null, Code),
        (429, _) => ApiException.Error("Rate limit reached for requests.", "requests", null, Code ?? "rate_limit_exceeded"),
        ( >= 500, _) => ApiException.Error("The server had an error while processing your request.", "server_error", null, Code),
        _ => ApiException.Error("The request is invalid.", "invalid_request_error", null, Code),
    };
}
