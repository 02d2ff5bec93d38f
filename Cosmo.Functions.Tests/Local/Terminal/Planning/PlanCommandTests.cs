using System.CommandLine;
using System.Text.RegularExpressions;
using Cosmo.Local.Terminal;

namespace Cosmo.Functions.Tests.Local.Terminal.Planning;

public sealed partial class PlanCommandTests
{
    [Fact]
    public async Task The_page_has_what_the_command_prints()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(CosmoScript.Root, "docs", "performance.md"), TestContext.Current.CancellationToken);
        var made = Made().Match(page);
        made.Success.ShouldBeTrue("docs/performance.md has no plan between its two marks.");

        var (exitCode, output) = await InvokeAsync(made.Groups["arguments"].Value.Split(' '));

        exitCode.ShouldBe(0);
        made.Groups["table"].Value.ShouldBe(output, "Print it again with ./cosmo " + made.Groups["arguments"].Value);
    }

    [Fact]
    public async Task The_terminal_has_a_column_for_each_number_and_names_its_sources()
    {
        var (exitCode, output) = await InvokeAsync("plan", "--conversations", "5000", "100000");

        exitCode.ShouldBe(0);
        output.ShouldMatch(@"conversations a day +│ +5,000 +│ +100,000 +│ +published");
        output.ShouldMatch(@"answers a day +│ +20,000 +│ +400,000 +│");
        output.ShouldMatch(@"actions a second +│ .*a capacity unit 2,000 \[1\]");
        output.ShouldContain("[1] Durable Task Scheduler");
    }

    [Fact]
    public async Task What_is_supposed_changes_the_plan()
    {
        var (_, output) = await InvokeAsync("plan", "--conversations", "1000", "--answers", "1", "--tool-rounds", "2", "--markdown");

        output.ShouldContain("| answers a day | 1,000 |");
        output.ShouldContain("| actions of an answer | 13 |");
    }

    [Theory]
    [InlineData("--peak", "0.5")]
    [InlineData("--load", "120")]
    [InlineData("--conversations", "0")]
    [InlineData("--seconds", "soon")]
    public async Task A_number_out_of_range_is_refused(params string[] arguments)
    {
        var (exitCode, output) = await InvokeAsync(["plan", .. arguments]);

        exitCode.ShouldBe(64);
        output.ShouldBeEmpty();
    }

    private static async Task<(int ExitCode, string Output)> InvokeAsync(params string[] arguments)
    {
        var configuration = new InvocationConfiguration { Output = new StringWriter(), Error = new StringWriter() };
        var exitCode = await CosmoCommand.InvokeAsync(arguments, configuration);
        return (exitCode, configuration.Output.ToString()!);
    }

    [GeneratedRegex(@"<!-- made by: \./cosmo (?<arguments>plan [^>]*) -->\n\n(?<table>.*?)\n<!-- end -->", RegexOptions.Singleline)]
    private static partial Regex Made();
}
