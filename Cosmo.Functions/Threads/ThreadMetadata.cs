using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Threads;

/// <summary>
/// A channel's metadata as it stands in Redis. Other programs read and write it too, so whatever they added stays as they wrote it.
/// </summary>
internal sealed class ThreadMetadata
{
    private const string CreatedAt = "created_at";
    private const string MessageCount = "message_count";
    private const string LastMessageAt = "last_message_at";
    private const string LastMessageId = "last_message_id";

    /// <summary>Up to here doubles count by one.</summary>
    private const double MostMessages = 1L << 53;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 500 };

    private readonly JsonObject _json;

    private ThreadMetadata(JsonObject json) => _json = json;

    /// <summary>Unix seconds of the last message, or of the thread's making while there is none; null if neither can be read.</summary>
    public double? LastActivity => Number(LastMessageAt) ?? Number(CreatedAt);

    /// <summary>Unix seconds; null if that cannot be read.</summary>
    public double? Created => Number(CreatedAt);

    /// <summary>How many messages were counted; null if what stands there is no number.</summary>
    public long? Messages => _json.ContainsKey(MessageCount) ? Counted(Number(MessageCount)) : 0;

    /// <summary>Whether each of the contract's fields that is there is a number.</summary>
    public bool IsWhole => new[] { CreatedAt, MessageCount, LastMessageAt }.All(name => !_json.ContainsKey(name) || Number(name) is not null);

    /// <summary>Metadata of a thread without messages.</summary>
    public static ThreadMetadata New(double now) =>
        new(new JsonObject { [CreatedAt] = now, [MessageCount] = 0, [LastMessageAt] = now });

    /// <summary>Reads metadata; null if it is not a JSON object, or one that could not be written again (half a surrogate pair stands in it).</summary>
    public static ThreadMetadata? Parse(string json)
    {
        try
        {
            // What cannot be written again cannot be kept: text that is none is noticed here.
            return JsonNode.Parse(json, documentOptions: Strict) is JsonObject read && read.ToJsonString().Length > 0 ? new ThreadMetadata(read) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            // Not JSON, a name twice, or half a surrogate pair.
            return null;
        }
    }

    /// <summary>Counts messages behind the last one counted, should that be among them; returns whether anything changed.</summary>
    public bool Count(IReadOnlyList<string> messageIds, double now)
    {
        var last = Text(LastMessageId);
        var uncounted = messageIds.Reverse().TakeWhile(id => id != last).Count();
        if (uncounted == 0)
        {
            return false;
        }

        _json[CreatedAt] = Number(CreatedAt) is null ? now : _json[CreatedAt]!.DeepClone();
        _json[MessageCount] = (Messages ?? Counted(ForeignJson.ReadReal(Text(MessageCount))) ?? 0) + uncounted;
        _json[LastMessageAt] = now;
        _json[LastMessageId] = messageIds[^1];
        return true;
    }

    public override string ToString() => _json.ToJsonString();

    private static long? Counted(double? number) => number is null ? null : (long)Math.Clamp(number.Value, 0, MostMessages);

    private string? Text(string name) => _json[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    // As text, because a number that was set here is of one type and one that was read of any.
    private double? Number(string name) => _json[name] is JsonValue value && value.GetValueKind() == JsonValueKind.Number ? ForeignJson.ReadReal(value.ToJsonString()) : null;
}
