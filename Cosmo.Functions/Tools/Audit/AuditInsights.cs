namespace Cosmo.Functions.Tools.Audit;

/// <summary>What stands out in a user's audit logs (whether there was any activity recently is null where no record has a time that can be read): the three most frequent values of each kind, with their counts, the most frequent first.</summary>
internal sealed record AuditInsights(
    int TotalActivities,
    IReadOnlyDictionary<string, int> MostCommonActions,
    IReadOnlyDictionary<string, int> MostAffectedTables,
    IReadOnlyDictionary<string, int> CommonChangeTypes,
    IReadOnlyDictionary<string, int> PeakActivityHours,
    bool? RecentActivity)
{
    private const int Top = 3;
    private static readonly TimeSpan Recent = TimeSpan.FromDays(7);

    public static AuditInsights Of(IReadOnlyList<AuditItem> items, AuditTimes times, DateTimeOffset now) => new(
        items.Count,
        MostCommon(items.Select(item => item.Action)),
        MostCommon(items.Select(item => item.TableName)),
        MostCommon(items.Select(item => item.ChangeSummary)),
        MostCommon(times.Hours),
        items.Count > 0 && times.Count == 0 ? null : times.AnySince(now - Recent));

    private static OrderedDictionary<string, int> MostCommon(IEnumerable<string?> values) => new(
        values.Where(value => !string.IsNullOrWhiteSpace(value))
            .CountBy(value => value!)
            .OrderByDescending(counted => counted.Value)
            .ThenBy(counted => counted.Key, StringComparer.Ordinal)
            .Take(Top));
}
