using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Delivery;

/// <summary>The updates of the wire contract, section 2, with their texts.</summary>
internal static class Updates
{
    public const string StartedStatus = "started";
    public const string CompletedStatus = "completed";
    public const string CancelledStatus = "cancelled";

    /// <param name="question">What was asked, so that other clients of the channel can show it.</param>
    /// <param name="replaces">The message whose place it takes.</param>
    public static UpdatePayload Started(MessageAddress address, string? question = null, string? replaces = null) =>
        Of(address, null, "Assistant is processing your request...", StartedStatus, "status") with { Question = question, Replaces = replaces };

    public static UpdatePayload Processing(MessageAddress address, string threadId) =>
        Of(address, threadId, "Assistant is gathering information...", "processing", "status");

    /// <summary>A call begins, or ends: with the same text, which is all that old front ends show.</summary>
    public static UpdatePayload Tool(MessageAddress address, string? threadId, ToolCallUpdate call) =>
        Of(address, threadId, $"Executing {call.Name}...", "processing", "tool") with { Tool = call };

    public static UpdatePayload Retrying(MessageAddress address, string? threadId) =>
        Of(address, threadId, "Still trying to reach the assistant...", "retrying", "status");

    public static UpdatePayload Responding(MessageAddress address, string threadId) =>
        Of(address, threadId, "Assistant is responding...", "responding", "status");

    public static UpdatePayload Text(MessageAddress address, string threadId, string textSoFar) =>
        Of(address, threadId, textSoFar, UpdatePayload.TextStatus, "response");

    public static UpdatePayload Completed(MessageAddress address, string threadId, string text) =>
        Of(address, threadId, text, CompletedStatus, "response", isFinal: true);

    /// <summary>About a message that was not taken in.</summary>
    public static UpdatePayload Rejected(string? messageId, string sentence, string details) =>
        new(sentence, "error", "error", true, messageId, null) { ErrorDetails = details };

    public static UpdatePayload Error(MessageAddress address, string? threadId, string sentence, string details) =>
        Of(address, threadId, sentence, "error", "error", isFinal: true) with { ErrorDetails = details };

    public static UpdatePayload Timeout(MessageAddress address, string? threadId, string sentence, string details) =>
        Of(address, threadId, sentence, "error", "timeout", isFinal: true) with { ErrorDetails = details };

    public static UpdatePayload Cancelled(MessageAddress address, string? threadId, string textSoFar) =>
        Of(address, threadId, textSoFar, CancelledStatus, "error", isFinal: true) with { ErrorDetails = "Cancelled on request" };

    private static UpdatePayload Of(MessageAddress address, string? threadId, string text, string status, string type, bool isFinal = false) =>
        new(text, status, type, isFinal, address.MessageId, threadId) { Profile = address.Profile };
}
