using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Cosmo.Local.Terminal.Testing;

/// <summary>What a report of Stryker.NET says, in its format of JSON.</summary>
internal static partial class MutantReport
{
    private const string Killed = "Killed";
    private const string TimedOut = "Timeout";
    private const string Survived = "Survived";
    private const string Uncovered = "NoCoverage";
    private const int Shown = 120;

    /// <summary>Others could not be compiled, or were not asked for.</summary>
    private static readonly string[] Tried = [Killed, TimedOut, Survived, Uncovered];

    /// <summary>For each file what became of its mutants, and under it a line for each that no test has noticed; at the end the score of all.</summary>
    public static IEnumerable<string> Describe(string json, string root)
    {
        using var report = JsonDocument.Parse(json);
        List<string> all = [];
        foreach (var file in report.RootElement.GetProperty("files").EnumerateObject())
        {
            var path = Path.IsPathRooted(file.Name) ? Path.GetRelativePath(root, file.Name) : file.Name;
            var tried = file.Value.GetProperty("mutants").EnumerateArray().Where(mutant => Tried.Contains(Status(mutant))).ToList();
            if (tried.Count == 0)
            {
                continue;
            }

            yield return $"{path}: {Count([.. tried.Select(Status)])}";
            foreach (var mutant in tried.Where(mutant => Status(mutant) is Survived or Uncovered).OrderBy(Line))
            {
                yield return $"  {path}:{Line(mutant)} {(Status(mutant) == Uncovered ? "(no test comes here) " : "")}{Change(file.Value, mutant)}";
            }

            all.AddRange(tried.Select(Status));
        }

        yield return $"All: {Count(all)}";
    }

    /// <summary>A mutant that never ends has been noticed as well.</summary>
    private static string Count(List<string> statuses)
    {
        int Of(string status) => statuses.Count(one => one == status);
        var share = statuses.Count == 0 ? 100 : 100.0 * (Of(Killed) + Of(TimedOut)) / statuses.Count;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{statuses.Count} mutants, {Of(Killed)} killed, {Of(TimedOut)} timed out, {Of(Survived)} survived, {Of(Uncovered)} where no test comes: {share:0.0} %");
    }

    private static string Status(JsonElement mutant) => mutant.GetProperty("status").GetString()!;

    private static int Line(JsonElement mutant) => mutant.GetProperty("location").GetProperty("start").GetProperty("line").GetInt32();

    private static string Change(JsonElement file, JsonElement mutant)
    {
        var (lines, location) = (file.GetProperty("source").GetString()!.Split('\n'), mutant.GetProperty("location"));
        var (start, end) = (location.GetProperty("start"), location.GetProperty("end"));
        var (first, last) = (Index(start, "line"), Index(end, "line"));
        var text = string.Join('\n', lines[first..(last + 1)]);
        var after = lines[last].Length - Index(end, "column");
        return $"{Short(text[Index(start, "column")..(text.Length - after)])} → {Short(mutant.GetProperty("replacement").GetString()!)}";
    }

    private static int Index(JsonElement position, string name) => position.GetProperty(name).GetInt32() - 1;

    private static string Short(string code)
    {
        var line = Space().Replace(code, " ").Trim();
        return line.Length > Shown ? $"{line[..Shown]}…" : line;
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
