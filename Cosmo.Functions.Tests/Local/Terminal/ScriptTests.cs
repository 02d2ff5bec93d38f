using System.CommandLine;
using System.Diagnostics;
using Cosmo.Local.Terminal;

namespace Cosmo.Functions.Tests.Local.Terminal;

/// <summary>The script <c>cosmo</c>: when it builds, what it says, and whom it hands over to.</summary>
public sealed class ScriptTests : IDisposable
{
    private readonly CosmoScript _script = new();

    public void Dispose() => _script.Dispose();

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("run", "--help")]
    [InlineData("test", "--help")]
    [InlineData("threads", "clear", "--help")]
    public async Task Help_needs_no_build(params string[] arguments)
    {
        var (exitCode, output, _) = await _script.RunAsync(arguments);

        exitCode.ShouldBe(0);
        output.ShouldStartWith("Usage: cosmo VERB");
        _script.Builds.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_version_needs_no_build()
    {
        var (exitCode, output, _) = await _script.RunAsync("--version");

        exitCode.ShouldBe(0);
        Version.TryParse(output, out _).ShouldBeTrue();
        _script.Builds.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("'stat' is not a verb. See: cosmo --help", "stat")]
    [InlineData("'--prot' is not an option. See: cosmo run --help", "run", "--prot", "7170")]
    [InlineData("'--prot=7170' is not an option. See: cosmo run --help", "run", "--prot=7170")]
    [InlineData("'-clas' is not an option. See: cosmo test --help", "test", "-clas", "X")]
    [InlineData("'--por' is not an option. See: cosmo run --help", "run", "--por", "7170")]
    public async Task A_typing_error_is_told_before_anything_is_built(string sentence, params string[] arguments)
    {
        var (exitCode, _, error) = await _script.RunAsync(arguments);

        exitCode.ShouldBe(64);
        error.ShouldBe($"cosmo: {sentence}\n");
        _script.Builds.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_usage_has_every_verb_and_option_of_the_program_and_no_others()
    {
        var (_, usage, _) = await _script.RunAsync("--help");
        var words = usage.Split([' ', '\n', '|', '[', ']', ',', '.', '…'], StringSplitOptions.RemoveEmptyEntries);
        var commands = Descend(CosmoCommand.Create()).Skip(1).ToList();
        var options = commands.SelectMany(command => command.Options).Where(option => !option.Hidden).Select(option => option.Name).ToHashSet();

        commands.Select(command => command.Name).ShouldBeSubsetOf(words);
        options.ShouldBeSubsetOf(words);
        words.Where(word => word.StartsWith("--", StringComparison.Ordinal)).Except(options).ShouldBe(["--help", "--version"], ignoreOrder: true);
    }

    [Fact]
    public async Task A_verb_is_built_once_and_handed_over_with_its_arguments()
    {
        var first = await _script.RunAsync("send", "demo", "How are  you?", "--json");
        var second = await _script.RunAsync("stats");

        first.ExitCode.ShouldBe(0, first.Error);
        first.Output.ShouldMatch(@"^dotnet \.cosmo/app/\d+/Cosmo\.Local/Cosmo\.Local\.dll send demo How are  you\? --json\n$");
        second.Output.ShouldEndWith("Cosmo.Local.dll stats\n");
        second.Error.ShouldBeEmpty();
        _script.Builds.ShouldBe(["Cosmo.Local"]);
    }

    [Fact]
    public async Task A_source_that_is_new_changed_or_gone_is_built()
    {
        await _script.RunAsync("stats");
        _script.Write("Cosmo.Functions/New.cs", "");
        await _script.RunAsync("stats");
        _script.Write("Cosmo.Functions/New.cs", "class Changed;");
        await _script.RunAsync("stats");
        _script.Delete("Cosmo.Functions/New.cs");
        await _script.RunAsync("stats");

        _script.Builds.Count.ShouldBe(4);
    }

    [Fact]
    public async Task A_copy_that_something_runs_from_stays_when_others_are_removed()
    {
        var first = await BuildAsync();
        var second = await BuildAsync();
        using var running = Process.Start("tail", ["-f", Path.Combine(_script.Folder, first)]);
        var third = await BuildAsync();
        var fourth = await BuildAsync();
        running.Kill();

        new[] { first, second, third, fourth }.Where(copy => File.Exists(Path.Combine(_script.Folder, copy))).ShouldBe([first, third, fourth]);
    }

    [Fact]
    public async Task Help_of_a_verb_comes_from_what_is_built_even_if_that_is_old()
    {
        await _script.RunAsync("stats");
        _script.Write("Cosmo.Local/New.cs", "");

        var (_, output, _) = await _script.RunAsync("run", "--help");

        output.ShouldEndWith("Cosmo.Local.dll run --help\n");
        _script.Builds.Count.ShouldBe(1);
    }

    [Fact]
    public async Task The_tests_are_the_whole_solution()
    {
        var (_, output, _) = await _script.RunAsync("test", "-class", "*Tests");

        output.ShouldBe("dotnet Cosmo.Local/bin/Release/net10.0/Cosmo.Local.dll test -class *Tests\n");
        _script.Builds.ShouldBe(["Cosmo.sln"]);
    }

    [Fact]
    public async Task The_tests_are_built_anew_where_the_benchmark_has_changed_and_only_then()
    {
        await _script.RunAsync("test");
        await _script.RunAsync("test");
        _script.Builds.Count.ShouldBe(1);

        _script.Write("bench/New.cs", "");
        await _script.RunAsync("test");

        _script.Builds.Count.ShouldBe(2);
    }

    [Theory]
    [InlineData(
        "x.csproj : error NU1301: Unable to load the service index for source https://api.nuget.org/v3/index.json. [x]",
        "cosmo: The NuGet packages cannot be fetched: no package source answers. Is there a network? (.cosmo/logs/build.log)")]
    [InlineData(
        "x.csproj : error NU1101: Unable to find package Some.Package. No packages exist with this id in source(s): nuget.org [x]",
        "cosmo: The package sources lack, or lack the wanted version of: Some.Package (.cosmo/logs/build.log)")]
    [InlineData(
        "x.csproj : error NU1102: Unable to find package Some.Package with version (>= 2.0.0)\n  - Found 3 version(s) in nuget.org",
        "cosmo: The package sources lack, or lack the wanted version of: Some.Package (.cosmo/logs/build.log)")]
    public async Task Missing_packages_are_told_in_one_sentence(string errors, string sentence)
    {
        _script.FailBuilds(errors);

        var (exitCode, _, error) = await _script.RunAsync("run");

        exitCode.ShouldBe(1);
        error.ShouldBe($"Building.\n{sentence}\n");
    }

    [Fact]
    public async Task A_build_that_fails_shows_its_errors_and_is_tried_again()
    {
        _script.FailBuilds("A.cs(1,2): warning X1: No.\nA.cs(3,4): error CS1002: ; expected [/x/x.csproj]\nA.cs(3,4): error CS1002: ; expected [/x/x.csproj]\n");
        var failed = await _script.RunAsync("stats");
        _script.Delete("errors");
        var mended = await _script.RunAsync("stats");

        failed.ExitCode.ShouldBe(1);
        failed.Error.ShouldBe("Building.\nA.cs(3,4): error CS1002: ; expected\ncosmo: The build failed (.cosmo/logs/build.log).\n");
        mended.ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task A_missing_SDK_is_told_in_one_sentence()
    {
        _script.RemoveSdk();

        var (exitCode, _, error) = await _script.RunAsync("run");

        exitCode.ShouldBe(1);
        error.ShouldBe("cosmo: The .NET SDK is missing. Install version 10.0.100 or newer from https://dotnet.microsoft.com/download\n");
    }

    [Fact]
    public async Task An_old_SDK_is_told_in_one_sentence()
    {
        _script.WriteSdk("#!/bin/sh\n[ $1 = --list-sdks ] && echo '9.0.100 [/usr/share/dotnet/sdk]'\n");

        var (exitCode, _, error) = await _script.RunAsync("run");

        exitCode.ShouldBe(1);
        error.ShouldBe("cosmo: The .NET SDK 10.0.100 or a newer one of the same major version is needed; found: 9.0.100. Get it from https://dotnet.microsoft.com/download\n");
    }

    /// <summary>Changes a source and returns the program that is then handed over to.</summary>
    private async Task<string> BuildAsync()
    {
        _script.Write("Cosmo.Local/Changed.cs", "");
        var (_, output, error) = await _script.RunAsync("stats");
        error.ShouldBe("Building.\n");
        return output.Split(' ')[1];
    }

    private static IEnumerable<Command> Descend(Command command) => command.Subcommands.SelectMany(Descend).Prepend(command);
}
