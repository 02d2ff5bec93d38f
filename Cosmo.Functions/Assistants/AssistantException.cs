namespace Cosmo.Functions.Assistants;

/// <summary>An expected failure of the model's service.</summary>
internal sealed class AssistantException(AssistantFailure failure, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>The cause, from which the sentence for the user follows.</summary>
    public AssistantFailure Failure { get; } = failure;

    /// <summary>What clients may know of it: the message, unless that is for operators alone.</summary>
    public string Told { get; init; } = message;
}

/// <summary>Why the model's service gave no answer (wire contract, section 2).</summary>
internal enum AssistantFailure
{
    /// <summary>Too many requests or no quota, as a 429 or inside a stream.</summary>
    RateLimit,

    /// <summary>One call took longer than its time limit.</summary>
    Timeout,

    /// <summary>The service was not reached, or broke off.</summary>
    Connection,

    /// <summary>The service refused the request as invalid.</summary>
    InvalidRequest,

    /// <summary>The conversation does not exist any more.</summary>
    ThreadGone,

    /// <summary>The answer was withheld by a content filter.</summary>
    ContentFilter,

    /// <summary>The answer ended before it was whole.</summary>
    Incomplete,

    /// <summary>Anything else, such as an error of the service itself.</summary>
    Other,
}
