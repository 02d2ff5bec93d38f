using System.Diagnostics;
using Cosmo.Local.Host;
using Cosmo.Local.Host.Worker;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cosmo.Functions.Tests.Local.Host;

/// <summary>Starts that cannot succeed, and a host that comes to its end by itself.</summary>
public sealed class HostStartTests
{
    [Fact]
    public async Task A_second_host_on_the_same_data_says_so()
    {
        await using var app = new HostedApp();
        await app.InitializeAsync();

        var refusal = await Should.ThrowAsync<StartupException>(() => FunctionsHost.StartAsync(app.Options()));

        refusal.Message.ShouldBe($"Another functions host works on {app.Folder}. Stop it, or give this one its own folder with --data.");
    }

    [Fact]
    public async Task A_folder_that_holds_no_app_is_told_in_one_sentence()
    {
        await using var app = new HostedApp();

        var refusal = await Should.ThrowAsync<StartupException>(() => FunctionsHost.StartAsync(app.Options() with { AppFolder = app.Folder }));

        refusal.Message.ShouldBe(
            $"{app.Folder} has no worker.config.json, so it is not the build output of an isolated-worker app; build the app and give its output folder with --app.");
    }

    [Fact]
    public async Task An_app_that_does_not_start_says_why()
    {
        await using var app = new HostedApp(TimeProvider.System, ("HOSTED_FAILURE", "COLOUR is missing; set it."));

        var refusal = await Should.ThrowAsync<StartupException>(() => FunctionsHost.StartAsync(app.Options()));

        refusal.Message.ShouldEndWith("ended before it could connect to the host. COLOUR is missing; set it.");
    }

    [Fact]
    public async Task A_worker_whose_port_was_taken_meanwhile_is_started_again()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "once\ntwice\n", TestContext.Current.CancellationToken);
        await using var app = new HostedApp(
            TimeProvider.System, ("HOSTED_FAILURE", "Failed to bind to address http://127.0.0.1:1: address already in use."), ("HOSTED_FAILURES", file));

        await app.InitializeAsync();

        (await app.RunAsync("CountDown", 0))!.ToString().ShouldBe("Hello Zero!");
        new FileInfo(file).Length.ShouldBe(0);
        File.Delete(file);
    }

    [Fact]
    public async Task A_worker_that_does_not_connect_is_given_up_in_time()
    {
        await using var server = await WorkerServer.StartAsync(NullLoggerFactory.Instance, default);
        var silent = new WorkerStart(WorkerApp.Read(HostedApp.AppFolder), server, new Dictionary<string, string> { ["HOSTED_SILENCE"] = "1" }, NullLoggerFactory.Instance)
        {
            ConnectLimit = TimeSpan.FromSeconds(1),
        };

        var refusal = await Should.ThrowAsync<StartupException>(() => RunningWorker.StartAsync(silent, _ => { }, default));

        refusal.Message.ShouldBe($"The worker of {Path.GetFullPath(HostedApp.AppFolder)} did not connect to the host within 1 seconds.");
    }

    [Fact]
    public async Task A_worker_whose_HTTP_server_does_not_listen_is_given_up_in_time()
    {
        await using var server = await WorkerServer.StartAsync(NullLoggerFactory.Instance, default);
        var environment = new Dictionary<string, string> { ["HOSTED_DEAFNESS"] = "1", ["FUNCTIONS_APPLICATION_DIRECTORY"] = HostedApp.AppFolder };
        var deaf = new WorkerStart(WorkerApp.Read(HostedApp.AppFolder), server, environment, NullLoggerFactory.Instance)
        {
            StepLimit = TimeSpan.FromSeconds(5),
        };

        var refusal = await Should.ThrowAsync<StartupException>(() => RunningWorker.StartAsync(deaf, _ => { }, default));

        refusal.Message.ShouldBe($"The worker of {Path.GetFullPath(HostedApp.AppFolder)} did not take requests within 5 seconds.");
    }

    [Fact]
    public async Task A_start_that_failed_leaves_the_data_folder_to_the_next()
    {
        await using var failing = new HostedApp(TimeProvider.System, ("HOSTED_FAILURE", "no"));
        await using var app = new HostedApp();
        await Should.ThrowAsync<StartupException>(() => FunctionsHost.StartAsync(failing.Options()));

        await using var host = await FunctionsHost.StartAsync(app.Options() with { DataFolder = failing.Folder });

        host.WorkerProcessId.ShouldNotBeNull();
    }

    [Fact]
    public async Task A_host_whose_worker_keeps_dying_gives_up()
    {
        var time = new ManualTimeProvider();
        await using var app = new HostedApp(time);
        var copy = Directory.CreateDirectory(Path.Combine(app.Folder, "app"));
        foreach (var file in new DirectoryInfo(HostedApp.AppFolder).EnumerateFiles())
        {
            file.CopyTo(Path.Combine(copy.FullName, file.Name));
        }

        await using var host = await FunctionsHost.StartAsync(app.Options() with { AppFolder = copy.FullName });
        File.Delete(Path.Combine(copy.FullName, "Hosted.dll"));
        using (var worker = Process.GetProcessById(host.WorkerProcessId!.Value))
        {
            worker.Kill();
        }

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!host.Ended.IsCancellationRequested)
        {
            time.Advance(TimeSpan.FromSeconds(20));
            await Task.Delay(20, limit.Token);
        }

        host.EndReason.ShouldStartWith($"The worker of {copy.FullName} died 8 times in a row, so the host gives up.");
    }
}
