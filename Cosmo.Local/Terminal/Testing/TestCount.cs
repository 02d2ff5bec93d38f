using System.Globalization;
using System.Text.Json;
using System.Xml;
using System.Xml.Linq;

namespace Cosmo.Local.Terminal.Testing;

/// <summary>How many tests passed, failed and were skipped.</summary>
internal readonly record struct TestCount(int Passed, int Failed, int Skipped)
{
    public int Total => Passed + Failed + Skipped;

    public static TestCount operator +(TestCount one, TestCount other) =>
        new(one.Passed + other.Passed, one.Failed + other.Failed, one.Skipped + other.Skipped);

    /// <summary>What a report of xunit says, all its assemblies together; null if the runner did not write a whole one.</summary>
    public static TestCount? Read(string path)
    {
        try
        {
            return XDocument.Load(path).Descendants("assembly").Aggregate(default(TestCount), (sum, assembly) => sum + new TestCount(
                Number(assembly, "passed"), Number(assembly, "failed") + Number(assembly, "errors"), Number(assembly, "skipped")));
        }
        catch (Exception error) when (error is IOException or XmlException)
        {
            return null;
        }
    }

    /// <summary>What a JSON report of vitest says; null if the runner did not write a whole one.</summary>
    public static TestCount? ReadJson(string path)
    {
        try
        {
            using var report = JsonDocument.Parse(File.ReadAllBytes(path));
            return new TestCount(Number(report, "numPassedTests"), Number(report, "numFailedTests"), Number(report, "numPendingTests") + Number(report, "numTodoTests"));
        }
        catch (Exception error) when (error is IOException or JsonException or KeyNotFoundException)
        {
            return null;
        }
    }

    public override string ToString() => Skipped == 0 ? $"{Passed} passed, {Failed} failed" : $"{Passed} passed, {Failed} failed, {Skipped} skipped";

    private static int Number(JsonDocument report, string name) => report.RootElement.GetProperty(name).GetInt32();

    private static int Number(XElement assembly, string name) => int.Parse(assembly.Attribute(name)?.Value ?? "0", CultureInfo.InvariantCulture);
}
