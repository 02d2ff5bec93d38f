using System.Globalization;
using Cosmo.Functions.Access;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Answering;

/// <summary>Why a message was not answered, and what is said about it.</summary>
/// <param name="Cause">A stable word for machines: the dead letter's header, the metric's tag.</param>
/// <param name="Type">The final update's type: error or timeout.</param>
/// <param name="Sentence">What the user is told.</param>
/// <param name="Details">The cause for developers: the update's <c>error_details</c>. No exception's text: that may name hosts and settings.</param>
/// <param name="Reason">What operators may know beyond that, for the log and the dead letter; null if there is nothing.</param>
internal sealed record Failure(string Cause, string Type, string Sentence, string Details, string? Reason = null)
{
    public const string CancelledCause = "cancelled";
    public const string StoppedCause = "stopped";
    public const string OverCause = "over";
    public const string RedisCause = "redis";
    public const string RedisRefusesCause = "redis_refuses";
    public const string DurableStoreCause = "durable_store";
    public const string MessageIdTakenCause = "message_id_taken";
    public const string UnknownProfileCause = "unknown_profile";
    public const string UnknownMessageCause = "unknown_message";
    public const string UnexpectedCause = "unexpected";
    public const string ThreadGoneCause = "thread_gone";

    public static Failure NoFirstResponse { get; } = new("no_first_response", "timeout", Sentences.NoFirstResponse, "No response received from assistant");

    public static Failure Stalled { get; } = new("stalled", "timeout", Sentences.Stalled, "Response stream interrupted");

    public static Failure Cancelled { get; } = new(CancelledCause, "error", "", "Cancelled on request");

    /// <summary>An activity ended by its own deadline or because it was told to; its orchestration knows why.</summary>
    public static Failure Stopped { get; } = new(StoppedCause, "error", Sentences.Other, "The work was stopped");

    /// <summary>The message has had its end already, so an activity that came late did nothing.</summary>
    public static Failure Over { get; } = new(OverCause, "error", Sentences.Other, "The message is over");

    public static Failure Overall(TimeSpan limit) => new(
        "overall", "timeout", Sentences.Overall, $"Processing exceeded {limit.TotalSeconds.ToString(CultureInfo.InvariantCulture)} second timeout limit");

    public static Failure TooManyRounds(int rounds) => new("tool_rounds", "error", Sentences.Tool, $"The assistant asked for tools more than {rounds} times in a row");

    public static Failure ChannelFull(int maxWaiting) =>
        new("channel_full", "error", Sentences.RateLimit, $"More than {maxWaiting} messages wait in this channel");

    public static Failure OverCapacity { get; } = new("over_capacity", "error", Sentences.RateLimit, "More answers are under way than there is room for");

    public static Failure ChannelBusy { get; } = new("channel_busy", "error", Sentences.RateLimit, "Another message of this channel is being answered");

    public static Failure UnknownProfile(string name) =>
        new(UnknownProfileCause, "error", Sentences.InvalidRequest, name.Length == 0 ? "Field 'profile' must be a profile's name" : $"There is no profile '{name}'");

    /// <param name="messageId">What the message should have replaced.</param>
    public static Failure UnknownMessage(string messageId) =>
        new(UnknownMessageCause, "error", Sentences.InvalidRequest, $"Field 'replaces' names a message that this channel has not had: '{messageId}'");

    public static Failure OverLimit(ReachedLimit limit) => new("over_limit", "error", Sentences.RateLimit, limit.ToString());

    /// <summary>Another message of the channel has its id. To say so on the channel would end that one at its clients.</summary>
    public static Failure MessageIdTaken { get; } =
        new(MessageIdTakenCause, "error", Sentences.InvalidRequest, "The message id is taken by another message of this channel");

    public static Failure DurableStore { get; } = new(DurableStoreCause, "error", Sentences.Connection, "The message could not be scheduled");

    /// <summary>Something that the message needs is away: later it may be taken.</summary>
    public bool IsOutage => Cause is RedisCause or DurableStoreCause;

    public static Failure From(AssistantException exception) =>
        From(exception.Failure, exception.Told) with { Reason = exception.Message == exception.Told ? null : exception.Message };

    public static Failure From(AssistantFailure failure, string details) => new(
        failure switch
        {
            AssistantFailure.RateLimit => "rate_limit",
            AssistantFailure.Timeout => "call_timeout",
            AssistantFailure.Connection => "connection",
            AssistantFailure.InvalidRequest => "invalid_request",
            AssistantFailure.ThreadGone => ThreadGoneCause,
            AssistantFailure.ContentFilter => "content_filter",
            AssistantFailure.Incomplete => "incomplete",
            _ => "assistant",
        },
        "error",
        failure switch
        {
            AssistantFailure.RateLimit => Sentences.RateLimit,
            AssistantFailure.Timeout => Sentences.CallTimeout,
            AssistantFailure.Connection => Sentences.Connection,
            AssistantFailure.InvalidRequest => Sentences.InvalidRequest,
            AssistantFailure.ThreadGone => Sentences.ThreadGone,
            _ => Sentences.Other,
        },
        details);

    /// <summary>A call to Redis failed: it is away, or it refuses what waiting does not mend.</summary>
    public static Failure Redis(Exception exception) => RedisFault.MayPass(exception)
        ? new(RedisCause, "error", Sentences.Connection, "Redis did not answer")
        : new(RedisRefusesCause, "error", Sentences.Other, "Redis refused a command");

    public static Failure Unexpected(string reason) => new(UnexpectedCause, "error", Sentences.Other, "Something unexpected went wrong", reason);
}
