using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using DurableTask.Core.History;
using Newtonsoft.Json;
using Newtonsoft.Json.Serialization;

namespace Cosmo.Local.Durable.Storage;

/// <summary>
/// Events as text: a line each, the number of its type and then its JSON. The type stands in front so that it need not be searched for, and so that
/// no name of a .NET type comes from the file.
/// </summary>
internal static class HistoryText
{
    private static readonly JsonSerializer Json = JsonSerializer.Create(new JsonSerializerSettings
    {
        NullValueHandling = NullValueHandling.Ignore,
        DateParseHandling = DateParseHandling.None,
        ContractResolver = new EventContracts(),
    });

    private static readonly Dictionary<EventType, Type> Types = HistoryEvent.KnownTypes().ToDictionary(
        type => ((HistoryEvent)RuntimeHelpers.GetUninitializedObject(type)).EventType);

    public static string Write(HistoryEvent happened) => Write([happened]);

    public static string Write(IEnumerable<HistoryEvent> events)
    {
        var text = new StringBuilder(256);
        using var writer = new StringWriter(text, CultureInfo.InvariantCulture);
        foreach (var happened in events)
        {
            if (text.Length > 0)
            {
                text.Append('\n');
            }

            text.Append((int)happened.EventType);
            Json.Serialize(writer, happened, happened.GetType());
        }

        return text.ToString();
    }

    /// <exception cref="InvalidDataException">The text is not what <see cref="Write(HistoryEvent)"/> wrote.</exception>
    public static HistoryEvent ReadOne(string line)
    {
        try
        {
            var start = line.IndexOf('{', StringComparison.Ordinal);
            var type = (EventType)int.Parse(line.AsSpan(0, start), NumberStyles.None, CultureInfo.InvariantCulture);
            using var reader = new JsonTextReader(new StringReader(line[start..]));
            return (HistoryEvent)Json.Deserialize(reader, Types[type])!;
        }
        catch (Exception error) when (error is JsonException or FormatException or ArgumentException or KeyNotFoundException)
        {
            throw new InvalidDataException("An event in the durable database cannot be read.", error);
        }
    }

    public static IEnumerable<HistoryEvent> Read(string lines) => Lines(lines).Select(ReadOne);

    /// <summary>The JSON of each event, without the number of its type.</summary>
    public static IEnumerable<string> ReadJson(string lines) => Lines(lines).Select(line => line[line.IndexOf('{', StringComparison.Ordinal)..]);

    // JSON has its line breaks escaped.
    private static string[] Lines(string lines) => lines.Split('\n');

    public static string? WriteValue<T>(T? value)
        where T : class
    {
        if (value is null)
        {
            return null;
        }

        using var writer = new StringWriter(CultureInfo.InvariantCulture);
        Json.Serialize(writer, value, typeof(T));
        return writer.ToString();
    }

    public static T? ReadValue<T>(string? json)
        where T : class
    {
        if (json is null)
        {
            return null;
        }

        using var reader = new JsonTextReader(new StringReader(json));
        return Json.Deserialize<T>(reader);
    }

    /// <summary>Events are data contracts: they are made without a constructor, which some of them do not have for this.</summary>
    private sealed class EventContracts : DefaultContractResolver
    {
        protected override JsonObjectContract CreateObjectContract(Type objectType)
        {
            var contract = base.CreateObjectContract(objectType);
            if (objectType.IsAssignableTo(typeof(HistoryEvent)) && !objectType.IsAbstract)
            {
                contract.DefaultCreator = () => RuntimeHelpers.GetUninitializedObject(objectType);
                contract.DefaultCreatorNonPublic = false;
            }

            return contract;
        }
    }
}
