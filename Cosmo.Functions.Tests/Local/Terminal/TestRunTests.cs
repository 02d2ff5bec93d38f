using Cosmo.Local.Terminal.Testing;

namespace Cosmo.Functions.Tests.Local.Terminal;

public sealed class TestRunTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cosmo-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_assemblies_of_a_report_are_counted_together()
    {
        var report = Path.Combine(_folder, "report.xml");
        File.WriteAllText(report, """
            <assemblies>
              <assembly name="a" total="5" passed="2" failed="1" skipped="1" errors="1" />
              <assembly name="b" total="3" passed="3" failed="0" skipped="0" errors="0" />
            </assemblies>
            """);

        TestCount.Read(report).ShouldBe(new TestCount(5, 2, 1));
    }

    [Fact]
    public void The_slowest_classes_of_a_report_come_first_and_quick_ones_together()
    {
        var report = Path.Combine(_folder, "report.xml");
        File.WriteAllText(report, """
            <assemblies><assembly><collection>
              <test type="Quick" time="0.125" /><test type="Slow" time="1.5" /><test type="Slower" time="2" /><test type="Slow" time="1.5" />
            </collection></assembly></assemblies>
            """);

        ClassTimes.Describe(report).ShouldBe(["     3.0 s  Slow", "     2.0 s  Slower", "     0.1 s  1 classes of less than 0.5 s each"]);
    }

    [Fact]
    public void What_failed_is_told_once_more_in_a_line_each()
    {
        var report = Path.Combine(_folder, "report.xml");
        File.WriteAllText(report, """
            <assemblies><assembly><collection>
              <test name="A.Works" result="Pass" time="1" />
              <test name="A.Fails" result="Fail" time="2.5"><failure><message><![CDATA[
            expected 1
                but was 2]]></message><stack-trace>at A</stack-trace></failure></test>
              <test name="A.Broke" result="Fail" time="0" />
            </collection></assembly></assemblies>
            """);

        TestFailures.Describe(report).ShouldBe(["FAILED  A.Fails (2.5 s): expected 1 but was 2", "FAILED  A.Broke (0 s): "]);
    }

    [Fact]
    public void What_was_wrong_is_told_to_a_length_that_can_be_read()
    {
        var report = Path.Combine(_folder, "report.xml");
        File.WriteAllText(report, $"""<assemblies><test name="A.Fails" result="Fail" time="1"><failure><message>{new string('x', 5000)}</message></failure></test></assemblies>""");

        TestFailures.Describe(report).ShouldBe([$"FAILED  A.Fails (1 s): {new string('x', 800)}…"]);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("<assemblies><assembly")]
    public void A_report_that_is_not_whole_is_none(string? text)
    {
        var report = Path.Combine(_folder, "report.xml");
        if (text is not null)
        {
            File.WriteAllText(report, text);
        }

        TestCount.Read(report).ShouldBeNull();
    }

    [Theory]
    [InlineData("""{ "numPassedTests": 4, "numFailedTests": 1, "numPendingTests": 2, "numTodoTests": 1 }""", "4 passed, 1 failed, 3 skipped")]
    [InlineData("""{ "numPassedTests": 4 }""", "")]
    [InlineData("""{ "numPass""", "")]
    [InlineData(null, "")]
    public void A_report_in_JSON_is_counted_too(string? text, string count)
    {
        var report = Path.Combine(_folder, "report.json");
        if (text is not null)
        {
            File.WriteAllText(report, text);
        }

        $"{TestCount.ReadJson(report)}".ShouldBe(count);
    }

    [Theory]
    [InlineData(3, 1, 0, "3 passed, 1 failed")]
    [InlineData(3, 0, 2, "3 passed, 0 failed, 2 skipped")]
    public void Skipped_tests_are_named_where_there_are_some(int passed, int failed, int skipped, string text) =>
        new TestCount(passed, failed, skipped).ToString().ShouldBe(text);

    [Fact]
    public async Task A_filter_that_no_test_matches_is_told_and_fails()
    {
        // A repository with one project of tests, which is this one.
        var built = Project("Cosmo.Functions.Tests", "bin", "Release");
        Directory.CreateSymbolicLink(Path.Combine(built, "net10.0"), AppContext.BaseDirectory);
        var (output, error) = (new StringWriter(), new StringWriter());

        var exitCode = await new TestRun(_folder, ["-class", "*NoSuchTests"], output, error).RunAsync(CancellationToken.None);

        exitCode.ShouldBe(1);
        error.ToString().ShouldContain("No test matches -class *NoSuchTests.");
        output.ToString().TrimEnd().ShouldEndWith("0 passed, 0 failed");
    }

    [Fact]
    public async Task A_runner_that_breaks_off_counts_as_a_failure()
    {
        var built = Project("Broken.Tests", "bin", "Release", "net10.0");
        File.WriteAllText(Path.Combine(built, "Broken.Tests.dll"), "");
        var (output, error) = (new StringWriter(), new StringWriter());

        var exitCode = await new TestRun(_folder, ["-class", "*"], output, error).RunAsync(CancellationToken.None);

        exitCode.ShouldBe(1);
        error.ToString().ShouldContain("Broken.Tests broke off with exit code");
        output.ToString().TrimEnd().ShouldEndWith("0 passed, 1 failed");
    }

    /// <summary>Makes a project, and the folder of its output.</summary>
    private string Project(string name, params string[] output)
    {
        var folder = Directory.CreateDirectory(Path.Combine([_folder, name, .. output])).FullName;
        File.WriteAllText(Path.Combine(_folder, name, $"{name}.csproj"), "<Project />");
        return folder;
    }
}
