using System.Globalization;
using System.Xml.Linq;

namespace Cosmo.Local.Terminal.Testing;

/// <summary>How long each class of tests took. Classes run beside each other, so the sum is more than the run took.</summary>
internal static class ClassTimes
{
    /// <summary>Shorter ones are summed up in one line.</summary>
    private const double Shown = 0.5;

    /// <summary>A line for each class of a report of xunit, the slowest first.</summary>
    public static IEnumerable<string> Describe(string report)
    {
        var classes = XDocument.Load(report).Descendants("test")
            .GroupBy(test => (string?)test.Attribute("type") ?? "")
            .Select(tests => (Name: tests.Key, Seconds: tests.Sum(test => double.Parse((string?)test.Attribute("time") ?? "0", CultureInfo.InvariantCulture))))
            .OrderByDescending(tests => tests.Seconds)
            .ToList();
        var (slow, quick) = (classes.TakeWhile(tests => tests.Seconds >= Shown).ToList(), classes.SkipWhile(tests => tests.Seconds >= Shown).ToList());
        return slow.Select(tests => Line(tests.Seconds, tests.Name))
            .Append(Line(quick.Sum(tests => tests.Seconds), $"{quick.Count} classes of less than {Shown.ToString(CultureInfo.InvariantCulture)} s each"));
    }

    private static string Line(double seconds, string name) => string.Create(CultureInfo.InvariantCulture, $"{seconds,8:0.0} s  {name}");
}
