using System.Text;
using System.Text.Json;

namespace Cosmo.Local.Runtime.Queues;

/// <summary>A message's body as the type of the trigger's parameter.</summary>
internal static class MessageBody
{
    /// <exception cref="JsonException">The body does not fit the type.</exception>
    public static object? As(Type type, ReadOnlyMemory<byte> body)
    {
        if (type == typeof(byte[]))
        {
            return body.ToArray();
        }

        return type == typeof(string) ? Encoding.UTF8.GetString(body.Span) : JsonSerializer.Deserialize(body.Span, type, JsonSerializerOptions.Web);
    }
}
