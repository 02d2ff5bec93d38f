using System.Text.Json;

namespace Cosmo.Local.Runtime.Durable.History;

/// <summary>The form in which events and failures are stored.</summary>
internal static class HistoryJson
{
    public static string Write<T>(T value) => JsonSerializer.Serialize(value);

    public static T Read<T>(string json) => JsonSerializer.Deserialize<T>(json) ?? throw new JsonException("The stored value is null.");
}
