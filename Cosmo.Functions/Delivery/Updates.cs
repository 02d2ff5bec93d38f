using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Delivery;

/// <summary>The updates of the wire contract, section 2, with their texts.</summary>
internal static class Updates
{
    public const string CompletedStatus = "completed";

    public static UpdatePayload Started(MessageAddress address) =>
        new("Assistant is processing your request...", "started", "status", false, address.MessageId, null);

    public static UpdatePayload Processing(MessageAddress address, string threadId) =>
        new("Assistant is gathering information...", "processing", "status", false, address.MessageId, threadId);

    public static UpdatePayload ToolBegins(MessageAddress address, string threadId, string tool) =>
        new($"Executing {tool}...", "processing", "tool", false, address.MessageId, threadId);

    public static UpdatePayload Retrying(MessageAddress address, string? threadId) =>
        new("Still trying to reach the assistant...", "retrying", "status", false, address.MessageId, threadId);

    public static UpdatePayload Responding(MessageAddress address, string threadId) =>
        new("Assistant is responding...", "responding", "status", false, address.MessageId, threadId);

    public static UpdatePayload Text(MessageAddress address, string threadId, string textSoFar) =>
        new(textSoFar, "in_progress", "response", false, address.MessageId, threadId);

    public static UpdatePayload Completed(MessageAddress address, string threadId, string text) =>
        new(text, CompletedStatus, "response", true, address.MessageId, threadId);

    public static UpdatePayload Error(string? messageId, string? threadId, string sentence, string details) =>
        new(sentence, "error", "error", true, messageId, threadId) { ErrorDetails = details };

    public static UpdatePayload Timeout(MessageAddress address, string? threadId, string sentence, string details) =>
        new(sentence, "error", "timeout", true, address.MessageId, threadId) { ErrorDetails = details };

    public static UpdatePayload Cancelled(MessageAddress address, string? threadId, string textSoFar) =>
        new(textSoFar, "cancelled", "error", true, address.MessageId, threadId) { ErrorDetails = "Cancelled on request" };
}
