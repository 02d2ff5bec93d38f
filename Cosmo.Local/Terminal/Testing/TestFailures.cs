using System.Xml.Linq;

namespace Cosmo.Local.Terminal.Testing;

/// <summary>The tests that failed. Told once more at the end, since what the runner says of them stands far above it.</summary>
internal static class TestFailures
{
    /// <summary>So many characters of what was wrong are told.</summary>
    private const int Most = 800;

    /// <summary>A line for each test of a report of xunit that failed, with its seconds and what was wrong.</summary>
    public static IEnumerable<string> Describe(string report) =>
        XDocument.Load(report).Descendants("test").Where(test => (string?)test.Attribute("result") == "Fail").Select(test =>
            $"FAILED  {(string?)test.Attribute("name")} ({(string?)test.Attribute("time")} s): {InALine((string?)test.Element("failure")?.Element("message") ?? "")}");

    private static string InALine(string text)
    {
        var line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.Length > Most ? line[..Most] + "…" : line;
    }
}
