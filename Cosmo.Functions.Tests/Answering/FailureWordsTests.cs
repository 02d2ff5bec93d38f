using Cosmo.Functions.Access;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Assistants;
using StackExchange.Redis;

namespace Cosmo.Functions.Tests.Answering;

/// <summary>What clients, dead letters and metrics have of each failure, to the letter: the wire contract's words, and those that others have built upon since.</summary>
public sealed class FailureWordsTests
{
    private const string Busy = "I'm receiving too many requests right now. Please try again in a moment.";
    private const string NoConnection = "I'm having trouble connecting to my services. Please try again in a moment.";
    private const string Wrong = "There was an issue with your request format. Please try again.";
    private const string Else = "I encountered an issue while processing your request.";

    private readonly Dictionary<string, Failure> _failures = new[]
    {
        Failure.NoFirstResponse,
        Failure.Stalled,
        Failure.Overall(TimeSpan.FromSeconds(90)),
        Failure.Cancelled,
        Failure.Stopped,
        Failure.Over,
        Failure.TooManyRounds(8),
        Failure.ChannelFull(20),
        Failure.OverCapacity,
        Failure.ChannelBusy,
        Failure.UnknownProfile("sales"),
        Failure.UnknownMessage("msg-1"),
        Failure.OverLimit(new ReachedLimit("The limit of 1 messages a minute", DateTimeOffset.UnixEpoch)),
        Failure.MessageIdTaken,
        Failure.DurableStore,
        Failure.Redis(new TimeoutException()),
        Failure.Redis(new RedisServerException(RedisErrorKind.Unknown, CommandFlags.None, "WRONGTYPE of a key")),
        Failure.Unexpected("a reason"),
    }.Concat(Enum.GetValues<AssistantFailure>().Select(failure => Failure.From(failure, "what it said"))).ToDictionary(failure => failure.Cause);

    [Theory]
    [InlineData("no_first_response", "timeout", "The assistant is taking too long to respond. Please try again.", "No response received from assistant")]
    [InlineData("stalled", "timeout", "The response was interrupted. Please try again.", "Response stream interrupted")]
    [InlineData("overall", "timeout", "The request is taking longer than expected to process. Please try again.", "Processing exceeded 90 second timeout limit")]
    [InlineData("cancelled", "error", "", "Cancelled on request")]
    [InlineData("stopped", "error", Else, "The work was stopped")]
    [InlineData("over", "error", Else, "The message is over")]
    [InlineData("tool_rounds", "error", "I had trouble executing one of my tools. Please try again.", "The assistant asked for tools more than 8 times in a row")]
    [InlineData("channel_full", "error", Busy, "More than 20 messages wait in this channel")]
    [InlineData("over_capacity", "error", Busy, "More answers are under way than there is room for")]
    [InlineData("channel_busy", "error", Busy, "Another message of this channel is being answered")]
    [InlineData("unknown_profile", "error", Wrong, "There is no profile 'sales'")]
    [InlineData("unknown_message", "error", Wrong, "Field 'replaces' names a message that this channel has not had: 'msg-1'")]
    [InlineData("over_limit", "error", Busy, "The limit of 1 messages a minute is reached; it ends at 1970-01-01T00:00:00Z")]
    [InlineData("message_id_taken", "error", Wrong, "The message id is taken by another message of this channel")]
    [InlineData("durable_store", "error", NoConnection, "The message could not be scheduled")]
    [InlineData("redis", "error", NoConnection, "Redis did not answer")]
    [InlineData("redis_refuses", "error", Else, "Redis refused a command")]
    [InlineData("unexpected", "error", Else, "Something unexpected went wrong")]
    [InlineData("rate_limit", "error", Busy, "what it said")]
    [InlineData("call_timeout", "error", "The request took too long to process. Please try again.", "what it said")]
    [InlineData("connection", "error", NoConnection, "what it said")]
    [InlineData("invalid_request", "error", Wrong, "what it said")]
    [InlineData("thread_gone", "error", "The conversation thread was not found or may have expired.", "what it said")]
    [InlineData("content_filter", "error", Else, "what it said")]
    [InlineData("incomplete", "error", Else, "what it said")]
    [InlineData("assistant", "error", Else, "what it said")]
    public void Each_has_its_word_and_its_sentences(string cause, string type, string sentence, string details)
    {
        var failure = _failures[cause];

        (failure.Type, failure.Sentence, failure.Details).ShouldBe((type, sentence, details));
        failure.IsOutage.ShouldBe(cause is "redis" or "durable_store");
    }

    [Fact]
    public void There_is_no_other() => _failures.Count.ShouldBe(26);

    [Fact]
    public void A_profile_without_a_name_is_said_to_be_none() => Failure.UnknownProfile("").Details.ShouldBe("Field 'profile' must be a profile's name");

    [Theory]
    [InlineData("HTTP 401", "HTTP 401", null)]
    [InlineData("HTTP 401: the key of acme is wrong", "HTTP 401", "HTTP 401: the key of acme is wrong")]
    public void What_operators_may_know_beyond_what_is_told_is_a_reason_of_its_own(string message, string told, string? reason)
    {
        var failure = Failure.From(new AssistantException(AssistantFailure.Other, message) { Told = told });

        (failure.Details, failure.Reason).ShouldBe((told, reason));
    }
}
