using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Answering.Approvals;

/// <summary>What a person sends to decide on a call: <c>{"approved": true | false, "reason"?: "…"}</c>, and over a connection which call it is.</summary>
/// <param name="MessageId">The message, where the body names it.</param>
/// <param name="CallId">The call, where the body names it.</param>
/// <param name="Approved">Whether it may be carried out.</param>
/// <param name="Reason">Why not, or why.</param>
internal sealed record ApprovalRequest(string? MessageId, string? CallId, bool Approved, string? Reason)
{
    private const int LongestReason = 2_000;

    /// <summary>False, with a sentence that names the field, for a body that is none.</summary>
    public static bool TryRead(byte[] body, bool namesCall, [NotNullWhen(true)] out ApprovalRequest? request, [NotNullWhen(false)] out string? fault)
    {
        request = null;
        if (!ForeignJson.TryRead(body, out var root, out _) || root.Kind != JsonValueKind.Object)
        {
            fault = "It must be a JSON object in UTF-8.";
            return false;
        }

        var fields = root.Pick("message_id", "call_id", "approved", "reason");
        string? TextOf(string name) => fields.TryGetValue(name, out var field) && field.Kind == JsonValueKind.String && field.Text is { Length: > 0 } text ? text : null;
        var (messageId, callId) = (TextOf("message_id"), TextOf("call_id"));
        fault = namesCall && messageId is null ? "Field 'message_id' must be a text."
            : namesCall && callId is null ? "Field 'call_id' must be a text."
            : !fields.TryGetValue("approved", out var approved) || approved.Kind is not (JsonValueKind.True or JsonValueKind.False) ? "Field 'approved' must be true or false."
            : fields.TryGetValue("reason", out var reason) && reason.Kind != JsonValueKind.Null && reason.Text is not { Length: <= LongestReason } ? $"Field 'reason' must be a text of at most {LongestReason} characters."
            : null;
        request = fault is null ? new ApprovalRequest(messageId, callId, fields["approved"].Kind == JsonValueKind.True, TextOf("reason")) : null;
        return request is not null;
    }
}
