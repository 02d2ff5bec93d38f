using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;
using Cosmo.Functions.Hosting;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Messaging;

/// <summary>Reads the body of a delivery, and says what is wrong with one that is no chat message. Whatever the body holds, it does not throw.</summary>
internal sealed class ChatMessageReader(IOptions<MessagingOptions> options)
{
    /// <summary>The longest channel or message id, in characters.</summary>
    public const int MaxIdLength = 512;

    private const int MaxRoles = 64;
    private const string ChannelField = "channel";
    private const string IdField = "message_id";
    private const string TextField = "message";
    private const string UserField = "user";
    private const string ProfileField = "profile";
    private const string ReplacesField = "replaces";

    public bool TryRead(ReadOnlyMemory<byte> body, [NotNullWhen(true)] out ChatMessage? message, [NotNullWhen(false)] out Rejection? rejection)
    {
        message = null;
        if (!ForeignJson.TryRead(body, out var root, out var fault))
        {
            rejection = Utf8.IsValid(body.Span)
                ? new Rejection(Rejection.NotJson, $"The body is not JSON (byte {fault}).")
                : new Rejection(Rejection.InvalidEncoding, "The body is not valid UTF-8.");
            return false;
        }

        if (root.Kind != JsonValueKind.Object)
        {
            rejection = new Rejection(Rejection.InvalidMessage, $"The body must be a JSON object; it is {Describe(root)}.");
            return false;
        }

        var fields = root.Pick(ChannelField, IdField, TextField, UserField, ProfileField, ReplacesField);
        rejection = ReadId(fields, ChannelField, out var channel);
        rejection = ReadId(fields, IdField, out var messageId) is { } idFault ? rejection ?? idFault : rejection;
        string? text = null;
        string? replaces = null;
        rejection ??= ReadText(fields, TextField, out text) ?? TooMuch(text!, body.Length) ?? ReadReplaces(fields, messageId!, out replaces);
        rejection = rejection is null ? null : rejection with { Channel = channel, MessageId = messageId };
        if (rejection is not null)
        {
            return false;
        }

        message = new ChatMessage(channel!, messageId!, text!, ReadCaller(fields)) { Profile = ReadProfile(fields), Replaces = replaces };
        return true;
    }

    /// <summary>
    /// Reads what a browser sent over its connection: <c>message_id</c> and <c>message</c>, maybe <c>profile</c> and <c>replaces</c>. Channel and caller are those of the connection;
    /// an event that names another channel is refused.
    /// </summary>
    public bool TryReadClientEvent(
        ReadOnlyMemory<byte> body, string channel, Caller caller, [NotNullWhen(true)] out ChatMessage? message, [NotNullWhen(false)] out Rejection? rejection)
    {
        message = null;
        if (!ForeignJson.TryRead(body, out var sent, out _))
        {
            rejection = new Rejection(Rejection.NotJson, "The event is not a JSON object in UTF-8.");
            return false;
        }

        var fields = sent.Pick(ChannelField, IdField, TextField, ProfileField, ReplacesField);
        if (sent.Kind != JsonValueKind.Object)
        {
            rejection = new Rejection(Rejection.InvalidMessage, "The event must be a JSON object.");
            return false;
        }

        if (fields.TryGetValue(ChannelField, out var named) && named.Kind != JsonValueKind.Null && named.Text != channel)
        {
            rejection = new Rejection(Rejection.InvalidMessage, "The event names another channel than its connection's.");
            return false;
        }

        string? text = null, replaces = null;
        rejection = ReadId(fields, IdField, out var messageId) ?? ReadText(fields, TextField, out text) ?? TooMuch(text!, body.Length)
            ?? ReadReplaces(fields, messageId!, out replaces);
        rejection = rejection is null ? null : rejection with { Channel = channel, MessageId = messageId };
        message = rejection is null ? new ChatMessage(channel, messageId!, text!, caller) { Profile = ReadProfile(fields), Replaces = replaces } : null;
        return rejection is null;
    }

    /// <summary>The message id of a client event about a message; null for what is none.</summary>
    public static string? FindMessageId(ReadOnlyMemory<byte> body) => FindAddress(body).MessageId is { Length: <= MaxIdLength } id ? id : null;

    /// <summary>Channel and message id of a body, each where it is text.</summary>
    public static (string? Channel, string? MessageId) FindAddress(ReadOnlyMemory<byte> body)
    {
        if (!ForeignJson.TryRead(body, out var root, out _))
        {
            return default;
        }

        var fields = root.Pick(ChannelField, IdField);
        return (fields.TryGetValue(ChannelField, out var channel) ? channel.Text : null, fields.TryGetValue(IdField, out var id) ? id.Text : null);
    }

    private Rejection? TooMuch(string text, int bytes) =>
        text.Length > options.Value.MaxMessageLength
            ? new Rejection(Rejection.TooLong, $"Field '{TextField}' has {text.Length} characters; at most {options.Value.MaxMessageLength} are taken.")
            : bytes > options.Value.MaxBodyBytes
                ? new Rejection(Rejection.TooLong, $"The body has {bytes} bytes; at most {options.Value.MaxBodyBytes} are taken.")
                : null;

    private static Rejection? ReadId(IReadOnlyDictionary<string, ForeignJson> fields, string name, out string? value)
    {
        if (ReadText(fields, name, out value) is { } fault)
        {
            return fault;
        }

        if (value!.Length > MaxIdLength)
        {
            value = null;
            return new Rejection(Rejection.InvalidMessage, $"Field '{name}' is longer than {MaxIdLength} characters.");
        }

        return null;
    }

    /// <summary>What cannot be the id of a message counts as absent (wire contract, section 1).</summary>
    private static Rejection? ReadReplaces(IReadOnlyDictionary<string, ForeignJson> fields, string messageId, out string? value)
    {
        value = ReadId(fields, ReplacesField, out var id) is null ? id : null;
        return value == messageId ? new Rejection(Rejection.InvalidMessage, $"Field '{ReplacesField}' must not be the message's own id.") : null;
    }

    private static Rejection? ReadText(IReadOnlyDictionary<string, ForeignJson> fields, string name, out string? value)
    {
        value = null;
        if (!fields.TryGetValue(name, out var field))
        {
            return new Rejection(Rejection.InvalidMessage, $"Field '{name}' is missing.");
        }

        if (field.Kind != JsonValueKind.String)
        {
            return new Rejection(Rejection.InvalidMessage, $"Field '{name}' must be a string; it is {Describe(field)}.");
        }

        if (field.Text is not { } text)
        {
            return Utf8.IsValid(field.Raw)
                ? new Rejection(Rejection.InvalidMessage, $"Field '{name}' holds half of a surrogate pair.")
                : new Rejection(Rejection.InvalidEncoding, $"Field '{name}' is not valid UTF-8.");
        }

        if (string.IsNullOrWhiteSpace(text))
        {
            return new Rejection(Rejection.InvalidMessage, $"Field '{name}' must not be empty.");
        }

        value = text;
        return null;
    }

    /// <summary>Whether there is such a profile is not known here. What is longer than any name is none.</summary>
    private static string? ReadProfile(IReadOnlyDictionary<string, ForeignJson> fields) =>
        !fields.TryGetValue(ProfileField, out var field) || field.Kind != JsonValueKind.String ? null
        : field.Text is { Length: <= MaxIdLength } name ? name
        : "";

    /// <summary>
    /// An extra field is never an error. A message that names no user comes from a producer of the old kind. A user whose id or roles cannot be read, or are
    /// longer than any of ours, is one without both: half a list of roles might be another one's.
    /// </summary>
    private static Caller ReadCaller(IReadOnlyDictionary<string, ForeignJson> fields)
    {
        if (!fields.TryGetValue(UserField, out var user))
        {
            return Caller.TrustedProducer;
        }

        return ReadUser(user) ?? Caller.Anonymous;
    }

    /// <summary>The user in an object with <c>id</c>, <c>roles</c>, <c>issuer</c> and what <see cref="MessagePublisher"/> adds, each of which may be absent; null if what is there cannot be read.</summary>
    public static Caller? ReadUser(ForeignJson user)
    {
        var parts = user.Pick("id", "roles", "issuer", "source");
        var hasId = parts.TryGetValue("id", out var id) && id.Kind == JsonValueKind.String;
        var roles = parts.TryGetValue("roles", out var list)
            ? list.Elements().Where(role => role.Kind == JsonValueKind.String).Select(role => role.Text).Take(MaxRoles).ToArray()
            : [];
        var issuer = parts.TryGetValue("issuer", out var named) && named.Kind != JsonValueKind.Null ? named.Text ?? "" : null;
        var source = parts.TryGetValue("source", out var from) && from.Text is { Length: <= MaxIdLength } digest ? digest : null;
        string?[] texts = hasId ? [id.Text, .. roles] : roles;
        return issuer is null or { Length: > 0 and <= MaxIdLength } && texts.All(text => text?.Length <= MaxIdLength) ? new Caller(hasId ? id.Text : null, roles!) { Issuer = issuer, Source = source } : null;
    }

    private static string Describe(ForeignJson value) => value.Kind switch
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
