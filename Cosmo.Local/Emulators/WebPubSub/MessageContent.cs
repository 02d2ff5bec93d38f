using System.Net.Mime;

namespace Cosmo.Local.Emulators.WebPubSub;

/// <summary>What a message carries. JSON and text are UTF-8.</summary>
internal sealed record MessageContent(DataType Type, ReadOnlyMemory<byte> Bytes)
{
    public static MessageContent EmptyText { get; } = new(DataType.Text, default);

    /// <summary>The content type under which the webhook gets this.</summary>
    public string MediaType => Type switch
    {
        DataType.Json => "application/json; charset=utf-8",
        DataType.Text => "text/plain; charset=utf-8",
        _ => MediaTypeNames.Application.Octet,
    };

    /// <summary>The type that a Content-Type header stands for; null if the service does not take it.</summary>
    public static DataType? TypeOf(string? contentType) => contentType?.Split(';')[0].Trim().ToLowerInvariant() switch
    {
        MediaTypeNames.Application.Json => DataType.Json,
        MediaTypeNames.Text.Plain => DataType.Text,
        MediaTypeNames.Application.Octet => DataType.Binary,
        _ => null,
    };
}

/// <summary>The service's data types.</summary>
internal enum DataType
{
    Json,
    Text,
    Binary,
}
