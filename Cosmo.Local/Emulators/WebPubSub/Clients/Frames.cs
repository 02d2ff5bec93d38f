using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Cosmo.Local.Emulators.WebPubSub.Clients;

/// <summary>A whole WebSocket message to a client.</summary>
internal readonly record struct Frame(ReadOnlyMemory<byte> Bytes, bool IsText = true);

/// <summary>What the service says in the JSON subprotocols.</summary>
internal static class Frames
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    public static Frame Pong { get; } = new("""{"type":"pong"}"""u8.ToArray());

    /// <param name="userId">Null for an anonymous connection.</param>
    /// <param name="connectionId">The connection's id.</param>
    /// <param name="reconnectionToken">Null for a connection that cannot be recovered.</param>
    public static Frame Connected(string? userId, string connectionId, string? reconnectionToken) => new(Write(json =>
    {
        json.WriteString("type"u8, "system"u8);
        json.WriteString("event"u8, "connected"u8);
        WriteOptional(json, "userId", userId);
        json.WriteString("connectionId"u8, connectionId);
        WriteOptional(json, "reconnectionToken", reconnectionToken);
    }));

    public static Frame Disconnected(string reason) => new(Write(json =>
    {
        json.WriteString("type"u8, "system"u8);
        json.WriteString("event"u8, "disconnected"u8);
        json.WriteString("message"u8, reason);
    }));

    /// <param name="ackId">The id of the request that is answered.</param>
    /// <param name="failure">Null for success.</param>
    public static Frame Ack(ulong ackId, Failure? failure) => new(Write(json =>
    {
        json.WriteString("type"u8, "ack"u8);
        json.WriteNumber("ackId"u8, ackId);
        json.WriteBoolean("success"u8, failure is null);
        WriteError(json, failure);
    }));

    /// <param name="invocationId">The id of the invocation that is answered.</param>
    /// <param name="content">What the event handler answered; null if it answered nothing, or with a failure.</param>
    /// <param name="failure">Null for success.</param>
    public static Frame InvokeResponse(string invocationId, MessageContent? content, Failure? failure) => new(Write(json =>
    {
        json.WriteString("type"u8, "invokeResponse"u8);
        json.WriteString("invocationId"u8, invocationId);
        json.WriteBoolean("success"u8, failure is null);
        if (content is not null)
        {
            WriteContent(json, content);
        }

        WriteError(json, failure);
    }));

    /// <param name="streamId">The stream.</param>
    /// <param name="expected">The number of the message that should come next.</param>
    public static Frame StreamAck(string streamId, ulong expected) => new(Write(json =>
    {
        json.WriteString("type"u8, "streamAck"u8);
        json.WriteString("streamId"u8, streamId);
        json.WriteNumber("expectedSequenceId"u8, expected);
    }));

    public static Frame StreamNack(string streamId, Failure failure, ulong expected) => new(Write(json =>
    {
        json.WriteString("type"u8, "streamNack"u8);
        json.WriteString("streamId"u8, streamId);
        json.WriteString("name"u8, failure.Name);
        json.WriteString("message"u8, failure.Message);
        json.WriteNumber("expectedSequenceId"u8, expected);
    }));

    /// <param name="streamId">The stream.</param>
    /// <param name="failure">Null if its publisher ended it.</param>
    public static Frame StreamClosed(string streamId, Failure? failure) => new(Write(json =>
    {
        json.WriteString("type"u8, "streamClosed"u8);
        json.WriteString("streamId"u8, streamId);
        WriteError(json, failure);
    }));

    /// <param name="content">The payload.</param>
    /// <param name="group">The group it was sent to; null for an answer of the server or a send to all, a user or a connection.</param>
    /// <param name="fromUserId">The user who published it; null if the server did.</param>
    /// <param name="stream">Its place in a stream; null if it belongs to none.</param>
    public static byte[] Message(MessageContent content, string? group, string? fromUserId, StreamPart? stream) => Write(json =>
    {
        json.WriteString("type"u8, "message"u8);
        json.WriteString("from"u8, group is null ? "server"u8 : "group"u8);
        WriteOptional(json, "group", group);
        WriteOptional(json, "fromUserId", fromUserId);
        WriteContent(json, content);
        if (stream is not null)
        {
            json.WriteStartObject("stream"u8);
            json.WriteString("streamId"u8, stream.StreamId);
            json.WriteNumber("streamSequenceId"u8, stream.SequenceId);
            if (stream.IsEnd)
            {
                json.WriteBoolean("endOfStream"u8, true);
            }

            if (stream.Error is { } error)
            {
                json.WriteStartObject("error"u8);
                json.WriteString("name"u8, error.Name);
                json.WriteString("message"u8, error.Message);
                WriteOptional(json, "userErrorCode", error.UserErrorCode);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }
    });

    /// <summary>The same frame with a sequence id before everything else.</summary>
    public static byte[] WithSequenceId(ReadOnlySpan<byte> frame, ulong sequenceId)
    {
        var start = Encoding.UTF8.GetBytes($"{{\"sequenceId\":{sequenceId},");
        return [.. start, .. frame[1..]];
    }

    private static void WriteError(Utf8JsonWriter json, Failure? failure)
    {
        if (failure is not null)
        {
            json.WriteStartObject("error"u8);
            json.WriteString("name"u8, failure.Name);
            json.WriteString("message"u8, failure.Message);
            json.WriteEndObject();
        }
    }

    private static void WriteContent(Utf8JsonWriter json, MessageContent content)
    {
        switch (content.Type)
        {
            case DataType.Json:
                json.WriteString("dataType"u8, "json"u8);
                json.WritePropertyName("data"u8);
                json.WriteRawValue(content.Bytes.Span, skipInputValidation: true);
                break;
            case DataType.Text:
                json.WriteString("dataType"u8, "text"u8);
                json.WriteString("data"u8, content.Bytes.Span);
                break;
            default:
                json.WriteString("dataType"u8, "binary"u8);
                json.WriteBase64String("data"u8, content.Bytes.Span);
                break;
        }
    }

    private static void WriteOptional(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    private static byte[] Write(Action<Utf8JsonWriter> properties)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartObject();
            properties(json);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}

/// <summary>Why a client's request was not carried out, in the service's own names.</summary>
internal sealed record Failure(string Name, string Message);
