using System.CommandLine;
using Cosmo.Local.Terminal;

namespace Cosmo.Functions.Tests.Local.Terminal;

public sealed class CosmoCommandTests
{
    [Theory]
    [InlineData("cosmo run [options]", "run")]
    [InlineData("cosmo test [<FILTER>...] [options]", "test")]
    [InlineData("cosmo emulators [options]", "emulators")]
    [InlineData("cosmo functions [options]", "functions")]
    [InlineData("cosmo stats [options]", "stats")]
    [InlineData("cosmo threads clear [<CHANNEL>] [options]", "threads", "clear")]
    public async Task The_usage_of_a_verb_is_what_one_types(string usage, params string[] verb)
    {
        var (exitCode, output, _) = await InvokeAsync([.. verb, "--help"]);

        exitCode.ShouldBe(0);
        output.ShouldContain($"  {usage}");
    }

    [Theory]
    [InlineData("stat")]
    [InlineData("threads", "sho")]
    [InlineData("run", "--prot", "7170")]
    [InlineData("run", "extra")]
    [InlineData("run", "--durable", "paper")]
    [InlineData("emulators", "--port", "65530")]
    [InlineData("run", "--port", "0")]
    [InlineData("run", "--port", "many")]
    [InlineData("functions", "--port", "65536")]
    [InlineData("functions", "--port")]
    [InlineData("test", "--verbose")]
    [InlineData("test", "-clas", "X")]
    [InlineData("send", "demo", "--jsn")]
    [InlineData("conversation", "msg-1", "--chanel", "demo")]
    [InlineData("fuzz", "--minutes", "soon")]
    [InlineData("fuzz", "--minutes", "0")]
    [InlineData("feedback", "--days", "91")]
    [InlineData("usage", "--days", "many")]
    [InlineData("channel", "messages", "demo", "--limit", "101")]
    [InlineData("threads", "list", "--limit", "0")]
    [InlineData("threads", "clear-old", "0")]
    [InlineData("dead-letters", "list", "--limit", "all")]
    [InlineData("dead-letters", "replay")]
    [InlineData("dead-letters", "replay", "--cause", "")]
    public async Task A_call_that_is_wrong_does_nothing_and_says_where_help_is(params string[] arguments)
    {
        var (exitCode, output, error) = await InvokeAsync(arguments);

        exitCode.ShouldBe(64);
        output.ShouldBeEmpty();
        error.TrimEnd().Split('\n')[^1].ShouldMatch("^See: cosmo( [a-z-]+)* --help$");
    }

    [Fact]
    public void An_option_that_is_meant_as_text_stands_behind_two_dashes() =>
        CosmoCommand.Create().Parse(["send", "demo", "--", "--jsn"]).GetValue<string>("TEXT").ShouldBe("--jsn");

    private static async Task<(int ExitCode, string Output, string Error)> InvokeAsync(string[] arguments)
    {
        var configuration = new InvocationConfiguration { Output = new StringWriter(), Error = new StringWriter() };
        var exitCode = await CosmoCommand.InvokeAsync(arguments, configuration);
        return (exitCode, configuration.Output.ToString()!, configuration.Error.ToString()!);
    }
}
