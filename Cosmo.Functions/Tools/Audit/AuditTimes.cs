using System.Globalization;

namespace Cosmo.Functions.Tools.Audit;

/// <summary>When the records of a user were made. The service writes its times in UTC, with and without a fraction; what is none is left out.</summary>
internal sealed class AuditTimes(IEnumerable<AuditItem> items)
{
    private readonly (DateTimeOffset Time, string Text)[] _times =
    [
        .. items.Select(item => item.CreatedAt).OfType<string>()
            .Select(text => (Read: TryRead(text, out var time), Time: time, Text: text))
            .Where(read => read.Read)
            .Select(read => (read.Time, read.Text))
            .OrderBy(read => read.Time),
    ];

    /// <summary>How many records have a time that can be read.</summary>
    public int Count => _times.Length;

    /// <summary>As the service writes it; null if there is none.</summary>
    public string? Oldest => _times.Length > 0 ? _times[0].Text : null;

    /// <summary>As the service writes it; null if there is none.</summary>
    public string? Newest => _times.Length > 0 ? _times[^1].Text : null;

    /// <summary>The hour of each, such as <c>09:00</c>.</summary>
    public IEnumerable<string> Hours => _times.Select(read => read.Time.ToString("HH:00", CultureInfo.InvariantCulture));

    public bool AnySince(DateTimeOffset time) => _times.Length > 0 && _times[^1].Time > time;

    private static bool TryRead(string text, out DateTimeOffset time) => DateTimeOffset.TryParse(
        text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);
}
