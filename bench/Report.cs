using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Cosmo.Bench;

/// <summary>Writes what was measured: a table for people, JSON for programs.</summary>
internal static class Report
{
    private static readonly (string Name, string Title)[] Paths = [("direct", "direct path"), ("bare", "bare orchestration"), ("cosmo", "Cosmo"), ("first", "first quarter"), ("last", "last quarter")];
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static string Machine()
    {
        var processor = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(": ")[^1] ?? "an unknown processor";
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9;
        return string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessorCount} processors ({processor}), {memory:0} GB, {RuntimeInformation.OSDescription}, .NET {Environment.Version}");
    }

    public static string Markdown(IReadOnlyList<Figure> figures, int rounds)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC, {Machine()}. Medians of {rounds} rounds, and the least and the most of them; the two ways took turns.");
        foreach (var scenario in figures.GroupBy(figure => figure.Scenario))
        {
            text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"### {scenario.Key}").AppendLine();
            var paths = Paths.Where(path => scenario.Any(figure => figure.Path == path.Name)).ToList();
            text.AppendLine(CultureInfo.InvariantCulture, $"| |{string.Concat(paths.Select(path => $" {path.Title} |"))}{string.Concat(paths.SkipLast(1).Select(path => $" to the {path.Title} |"))}");
            text.AppendLine(CultureInfo.InvariantCulture, $"| --- |{string.Concat(Enumerable.Repeat(" ---: |", (paths.Count * 2) - 1))}");
            foreach (var name in scenario.GroupBy(figure => (figure.Name, figure.Unit)))
            {
                var found = paths.Select(path => name.FirstOrDefault(figure => figure.Path == path.Name)).ToList();
                var ratios = found.SkipLast(1).Select(other => other is { Rounds.Count: > 0, Median: > 0 } && found[^1] is { Rounds.Count: > 0 } own ? Number(own.Median / other.Median) : "");
                text.AppendLine(
                    CultureInfo.InvariantCulture,
                    $"| {name.Key.Name}{(name.Key.Unit.Length > 0 ? $" ({name.Key.Unit})" : "")} |{string.Concat(found.Select(figure => $" {Cell(figure)} |"))}{string.Concat(ratios.Select(ratio => $" {ratio} |"))}");
            }
        }

        return text.ToString();
    }

    public static string Json(IReadOnlyList<Figure> figures, int rounds) => JsonSerializer.Serialize(
        new
        {
            At = DateTimeOffset.UtcNow,
            Machine = Machine(),
            Rounds = rounds,
            Figures = figures.Where(figure => figure.Rounds.Count > 0).Select(figure => new { figure.Scenario, figure.Name, figure.Unit, figure.Path, figure.Median, figure.Least, figure.Most, figure.Rounds }),
        },
        Indented);

    private static string Cell(Figure? figure) => figure is not { Rounds.Count: > 0 } ? "" : $"{Number(figure.Median)} ({Number(figure.Least)}–{Number(figure.Most)})";

    private static string Number(double value) => value switch
    {
        0 => "0",
        _ when Math.Abs(value) >= 100 => value.ToString("0", CultureInfo.InvariantCulture),
        _ when Math.Abs(value) >= 10 => value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.ToString("0.00", CultureInfo.InvariantCulture),
    };
}
