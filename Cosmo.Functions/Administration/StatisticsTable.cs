using System.Globalization;
using System.Text;
using Cosmo.Functions.Threads.Index;

namespace Cosmo.Functions.Administration;

/// <summary>The statistics as a table of plain text.</summary>
internal static class StatisticsTable
{
    private const int Names = 22;
    private const int KeysNamed = 10;

    public static string Of(ThreadStatistics statistics)
    {
        var table = new StringBuilder();
        Row("Threads", Number(statistics.Threads));
        Row("Metadata entries", Number(statistics.MetadataEntries));
        foreach (var group in statistics.Ages)
        {
            Row($"  {group.Days} days", $"{Number(group.Threads),12} {group.Share.ToString("0.0", CultureInfo.InvariantCulture),6} %");
        }

        Row("Messages", Number(statistics.TotalMessages));
        Row("Messages a thread", statistics.AverageMessages.ToString("0.00", CultureInfo.InvariantCulture));
        Row("Oldest", Describe(statistics.Oldest));
        Row("Newest", Describe(statistics.Newest));
        Row("Bytes", Number(statistics.Bytes.Total) + (statistics.Bytes.IsSampled ? $" (projected from {statistics.Bytes.Channels} channels)" : ""));
        Row("To be deleted", $"{Number(statistics.Abandoned)} threads that no channel has any more");
        if (statistics.Unreadable is { Count: > 0 } unreadable)
        {
            Row("Unreadable keys", Number(unreadable.Count));
            foreach (var key in unreadable.Keys.Take(KeysNamed))
            {
                Row("", Line(key));
            }
        }

        Row("Keys compared", statistics.IndexedAt is { } at ? Time(at) : "never");
        foreach (var (channel, place) in statistics.MostActive.Select((channel, i) => (channel, i + 1)))
        {
            Row(place == 1 ? "Most active" : "", $"{Number(channel.Messages),12} {Line(channel.Channel)}");
        }

        return table.ToString();

        void Row(string name, string value) => table.Append(name.PadRight(Names)).Append(value).Append('\n');
    }

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string Describe(ChannelActivity? channel) => channel is null ? "-" : $"{Time(channel.LastMessageAt)} {Line(channel.Channel)}";

    private static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    /// <summary>A channel may be any text; here it is one line and moves no cursor.</summary>
    private static string Line(string channel) => string.Concat(channel.Select(c => char.IsControl(c) ? '?' : c));
}
