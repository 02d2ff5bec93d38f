using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Azure.Messaging.WebPubSub;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Tests.Local.StandIns;

/// <summary>The two assemblies that take the place of packages which a limited feed lacks, and the switch that puts them in.</summary>
public sealed class StandInTests
{
    private static readonly string[] Official = ["Azure.Messaging.WebPubSub", "Microsoft.Azure.Functions.Worker.Extensions.RabbitMQ"];

    [Theory]
    [InlineData(typeof(WebPubSubServiceClient), "Azure.Messaging.WebPubSub")]
    [InlineData(typeof(RabbitMQTriggerAttribute), "Microsoft.Azure.Functions.Worker.Extensions.RabbitMQ")]
    public void Every_public_type_and_member_is_one_of_the_official_package(Type type, string package)
    {
        var official = OfficialApi.Read(Path.Combine(AppContext.BaseDirectory, "Local", "StandIns", "official"));

        type.Assembly.GetName().Name.ShouldBe(package);
        type.Assembly.GetExportedTypes().ShouldContain(type);
        type.Assembly.GetExportedTypes().SelectMany(official.Strangers).ShouldBeEmpty();
    }

    [Fact]
    public async Task Without_the_switch_the_project_has_the_official_packages_alone()
    {
        var (packages, projects) = await ReferencesAsync("");

        Official.ShouldBeSubsetOf(packages);
        projects.ShouldBeEmpty();
    }

    [Fact]
    public async Task With_the_switch_it_has_the_stand_ins_in_their_place_and_nothing_else_differs()
    {
        var (packages, projects) = await ReferencesAsync("true");
        var (official, _) = await ReferencesAsync("");

        packages.ShouldBe(official.Except(Official), ignoreOrder: true);
        projects.Select(Path.GetFileNameWithoutExtension).ShouldBe(Official, ignoreOrder: true);
    }

    [Theory]
    [InlineData("", "", 0)]
    [InlineData("true", "", 1)]
    [InlineData("true", "true", 0)]
    public async Task A_publish_with_stand_ins_must_be_meant(string standIns, string allowed, int exitCode)
    {
        var (ended, output) = await MSBuildAsync("-target:RefuseStandInsInPublish", $"-property:CosmoStandIns={standIns}", $"-property:CosmoAllowStandInPublish={allowed}");

        ended.ShouldBe(exitCode, output);
        output.Contains("CosmoAllowStandInPublish=true").ShouldBe(exitCode != 0);
    }

    [Fact]
    public async Task Every_publish_passes_that_check()
    {
        var (_, output) = await MSBuildAsync("-preprocess");

        output.ShouldContain("""<Target Name="RefuseStandInsInPublish" BeforeTargets="PrepareForPublish" """);
    }

    private static async Task<(string[] Packages, string[] Projects)> ReferencesAsync(string standIns)
    {
        var (exitCode, output) = await MSBuildAsync("-getItem:PackageReference", "-getItem:ProjectReference", $"-property:CosmoStandIns={standIns}");
        exitCode.ShouldBe(0, output);
        var items = JsonNode.Parse(output)!["Items"]!;
        return (Names("PackageReference"), Names("ProjectReference"));

        string[] Names(string item) => [.. items[item]!.AsArray().Select(one => one!["Identity"]!.GetValue<string>().Replace('\\', '/'))];
    }

    private static async Task<(int ExitCode, string Output)> MSBuildAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", ["msbuild", Project(), "-nologo", "-nodeReuse:false", .. arguments]) { RedirectStandardOutput = true };
        start.Environment.Remove("CosmoStandIns");
        using var build = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        var output = await build.StandardOutput.ReadToEndAsync(limit.Token);
        await build.WaitForExitAsync(limit.Token);
        return (build.ExitCode, output);
    }

    private static string Project([CallerFilePath] string source = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(source)!, "..", "..", "..", "Cosmo.Functions", "Cosmo.Functions.csproj"));
}
