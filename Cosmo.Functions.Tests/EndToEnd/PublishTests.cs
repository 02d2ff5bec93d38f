using System.Diagnostics;
using System.Security.Cryptography;
using Cosmo.Functions.Tests.Local.Terminal;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>What <c>dotnet publish</c> makes is what is deployed.</summary>
public sealed class PublishTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cosmo-published-").FullName;
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(150));

    public void Dispose()
    {
        _limit.Dispose();
        Change("u+w");
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>On Azure the app may run from its package, which is mounted for reading alone.</summary>
    [Fact]
    public async Task It_answers_from_another_folder_that_it_writes_nothing_into_with_only_the_app_settings()
    {
        await PublishAsync();
        File.Exists(Path.Combine(_folder, "local.settings.json")).ShouldBeFalse();
        Change("a-w");
        var before = Content();
        await using var stack = await CosmoStack.CreateAsync(inOwnProcess: true);
        stack.App = _folder;
        var begun = Stopwatch.GetTimestamp();
        await stack.StartFunctionsAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"Ready after {Stopwatch.GetElapsedTime(begun).TotalSeconds:0.0} s; {before.Count} files.");

        await using var client = await stack.OpenAsync("channel");
        await stack.Queue.SendAsync("channel", "msg-1", "What is the weather in Makati?");

        (await client.FinalAsync("msg-1"))["message"]!.GetValue<string>().ShouldContain("Makati");
        Content().ShouldBe(before);
    }

    private async Task PublishAsync()
    {
        var start = new ProcessStartInfo("dotnet", ["publish", Path.Combine(CosmoScript.Root, "Cosmo.Functions"), "--configuration", "Release", "--no-build", "--output", _folder, "--nologo", "--disable-build-servers"])
        {
            Environment = { ["CosmoStandIns"] = "true", ["CosmoAllowStandInPublish"] = "true" },
            RedirectStandardOutput = true,
        };
        using var publish = Process.Start(start)!;
        var output = await publish.StandardOutput.ReadToEndAsync(_limit.Token);
        await publish.WaitForExitAsync(_limit.Token);
        publish.ExitCode.ShouldBe(0, output);
    }

    private void Change(string mode)
    {
        using var change = Process.Start("chmod", ["-R", mode, _folder]);
        change.WaitForExit();
    }

    /// <summary>Its files, each with the hash of what it holds. Who may write everything is stopped by no mode, so this is looked at, too.</summary>
    private Dictionary<string, string> Content() => Directory.GetFiles(_folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        .ToDictionary(file => file, file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file))));
}
