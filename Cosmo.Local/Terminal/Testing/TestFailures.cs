using System.Xml.Linq;

namespace Cosmo.Local.Terminal.Testing;

/// <summary>The tests that failed. Told once more at the end, since what the runner says of them stands far above it.</summary>
internal static class TestFailures
{
    /// <summary>A line for each test of a report of xunit that failed, with its seconds and the first line of what was wrong.</summary>
    public static IEnumerable<string> Describe(string report) =>
        XDocument.Load(report).Descendants("test").Where(test => (string?)test.Attribute("result") == "Fail").Select(test =>
            $"FAILED  {(string?)test.Attribute("name")} ({(string?)test.Attribute("time")} s): {FirstLine((string?)test.Element("failure")?.Element("message") ?? "")}");

    private static string FirstLine(string text) => text.Trim().Split('\n')[0].TrimEnd();
}
