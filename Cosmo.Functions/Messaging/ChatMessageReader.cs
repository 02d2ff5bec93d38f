using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Messaging;

/// <summary>Reads the body of a delivery, and says what is wrong with one that is no chat message.</summary>
internal sealed class ChatMessageReader(IOptions<MessagingOptions> options)
{
    /// <summary>The longest channel or message id, in characters.</summary>
    public const int MaxIdLength = 512;

    private const int MaxRoles = 64;
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public bool TryRead(ReadOnlySpan<byte> body, [NotNullWhen(true)] out ChatMessage? message, [NotNullWhen(false)] out Rejection? rejection)
    {
        message = null;
        string text;
        try
        {
            text = StrictUtf8.GetString(body);
        }
        catch (DecoderFallbackException)
        {
            rejection = new Rejection(Rejection.InvalidEncoding, "The body is not valid UTF-8.");
            return false;
        }

        try
        {
            using var document = JsonDocument.Parse(text);
            return TryRead(document.RootElement, out message, out rejection);
        }
        catch (JsonException e)
        {
            rejection = new Rejection(Rejection.NotJson, $"The body is not JSON (line {e.LineNumber + 1}, byte {e.BytePositionInLine}).");
            return false;
        }
    }

    /// <summary>
    /// Reads what a browser sent over its connection: <c>message_id</c> and <c>message</c>. Channel and caller are those of the connection;
    /// an event that names another channel is refused.
    /// </summary>
    public bool TryReadClientEvent(
        ReadOnlySpan<byte> body, string channel, Caller caller, [NotNullWhen(true)] out ChatMessage? message, [NotNullWhen(false)] out Rejection? rejection)
    {
        message = null;
        try
        {
            if (JsonNode.Parse(body) is not JsonObject sent)
            {
                rejection = new Rejection(Rejection.InvalidMessage, "The event must be a JSON object.");
                return false;
            }

            if (sent["channel"] is { } named && (named.GetValueKind() != JsonValueKind.String || named.GetValue<string>() != channel))
            {
                rejection = new Rejection(Rejection.InvalidMessage, "The event names another channel than its connection's.");
                return false;
            }

            sent["channel"] = channel;
            sent.Remove("user");
            if (!TryRead(JsonSerializer.SerializeToElement(sent), out message, out rejection))
            {
                return false;
            }

            message = message with { Caller = caller };
            return true;
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            rejection = new Rejection(Rejection.NotJson, "The event is not a JSON object in UTF-8.");
            return false;
        }
    }

    private bool TryRead(JsonElement root, [NotNullWhen(true)] out ChatMessage? message, [NotNullWhen(false)] out Rejection? rejection)
    {
        message = null;
        if (root.ValueKind != JsonValueKind.Object)
        {
            rejection = new Rejection(Rejection.InvalidMessage, $"The body must be a JSON object; it is {Describe(root)}.");
            return false;
        }

        var channelFault = ReadId(root, "channel", out var channel);
        var idFault = ReadId(root, "message_id", out var messageId);
        if ((channelFault ?? idFault) is { } fault)
        {
            rejection = new Rejection(Rejection.InvalidMessage, fault, channel, messageId);
            return false;
        }

        if (ReadText(root, "message", out var question) is { } textFault)
        {
            rejection = new Rejection(Rejection.InvalidMessage, textFault, channel, messageId);
            return false;
        }

        if (question!.Length > options.Value.MaxMessageLength)
        {
            rejection = new Rejection(
                Rejection.TooLong, $"Field 'message' has {question.Length} characters; at most {options.Value.MaxMessageLength} are taken.", channel, messageId);
            return false;
        }

        rejection = null;
        message = new ChatMessage(channel!, messageId!, question, ReadCaller(root));
        return true;
    }

    private static string? ReadId(JsonElement root, string name, out string? value)
    {
        if (ReadText(root, name, out value) is { } fault)
        {
            return fault;
        }

        if (value!.Length > MaxIdLength)
        {
            value = null;
            return $"Field '{name}' is longer than {MaxIdLength} characters.";
        }

        return null;
    }

    private static string? ReadText(JsonElement root, string name, out string? value)
    {
        value = null;
        if (!root.TryGetProperty(name, out var element))
        {
            return $"Field '{name}' is missing.";
        }

        if (element.ValueKind != JsonValueKind.String)
        {
            return $"Field '{name}' must be a string; it is {Describe(element)}.";
        }

        try
        {
            value = element.GetString();
        }
        catch (InvalidOperationException)
        {
            return $"Field '{name}' holds half of a surrogate pair.";
        }

        if (string.IsNullOrWhiteSpace(value))
        {
            value = null;
            return $"Field '{name}' must not be empty.";
        }

        return null;
    }

    /// <summary>Anything that is not of the expected form is an anonymous caller: an extra field is never an error.</summary>
    private static Caller ReadCaller(JsonElement root)
    {
        if (!root.TryGetProperty("user", out var user) || user.ValueKind != JsonValueKind.Object)
        {
            return Caller.Anonymous;
        }

        var id = user.TryGetProperty("id", out var idElement) && idElement.ValueKind == JsonValueKind.String ? idElement.GetString() : null;
        var roles = user.TryGetProperty("roles", out var rolesElement) && rolesElement.ValueKind == JsonValueKind.Array
            ? rolesElement.EnumerateArray().Where(role => role.ValueKind == JsonValueKind.String).Select(role => role.GetString()!).Take(MaxRoles).ToArray()
            : [];
        return new Caller(id, roles);
    }

    private static string Describe(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        _ => "null",
    };
}

/// <summary>Why a delivery is no chat message.</summary>
/// <param name="Cause">A stable word for machines, as it stands in the dead letter's header.</param>
/// <param name="Reason">A sentence that names the field and how to mend it.</param>
/// <param name="Channel">The channel, if the delivery named a usable one: then its clients are told.</param>
/// <param name="MessageId">The message id, if it was usable.</param>
internal sealed record Rejection(string Cause, string Reason, string? Channel = null, string? MessageId = null)
{
    public const string NotJson = "not_json";
    public const string InvalidEncoding = "invalid_encoding";
    public const string InvalidMessage = "invalid_message";
    public const string TooLong = "too_long";
}
