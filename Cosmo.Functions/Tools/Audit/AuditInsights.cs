using System.Globalization;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tools.Audit;

/// <summary>What stands out in a user's audit logs.</summary>
internal sealed class AuditInsights
{
    private const int Top = 3;
    private static readonly TimeSpan Recent = TimeSpan.FromDays(7);

    private readonly IReadOnlyList<AuditItem> _items;
    private readonly (DateTimeOffset Time, string Text)[] _times;
    private readonly DateTimeOffset _now;

    public AuditInsights(IReadOnlyList<AuditItem> items, DateTimeOffset now)
    {
        _items = items;
        _now = now;
        _times = [.. items.Select(item => item.CreatedAt).OfType<string>()
            .Select(text => (Read: TryRead(text, out var time), Time: time, Text: text))
            .Where(read => read.Read)
            .Select(read => (read.Time, read.Text))
            .OrderBy(read => read.Time)];
    }

    /// <summary>When the oldest record was made, as the service writes it; null if there is none.</summary>
    public string? Oldest => _times.Length > 0 ? _times[0].Text : null;

    /// <summary>When the newest record was made, as the service writes it; null if there is none.</summary>
    public string? Newest => _times.Length > 0 ? _times[^1].Text : null;

    public JsonObject ToJson() => new()
    {
        ["total_activities"] = _items.Count,
        ["most_common_actions"] = MostCommon(_items.Select(item => item.Action)),
        ["most_affected_tables"] = MostCommon(_items.Select(item => item.TableName)),
        ["common_change_types"] = MostCommon(_items.Select(item => item.ChangeSummary)),
        ["peak_activity_hours"] = MostCommon(_times.Select(read => read.Time.ToString("HH:00", CultureInfo.InvariantCulture))),
        ["recent_activity"] = _times.Length > 0 && _now - _times[^1].Time < Recent,
    };

    private static JsonObject MostCommon(IEnumerable<string?> values) => new(
        values.Where(value => !string.IsNullOrWhiteSpace(value))
            .CountBy(value => value!)
            .OrderByDescending(counted => counted.Value)
            .ThenBy(counted => counted.Key, StringComparer.Ordinal)
            .Take(Top)
            .Select(counted => KeyValuePair.Create(counted.Key, (JsonNode?)counted.Value)));

    private static bool TryRead(string text, out DateTimeOffset time) => DateTimeOffset.TryParse(
        text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);
}
