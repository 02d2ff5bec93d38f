using Cosmo.Local.Host.Worker;
using Cosmo.Local.Host.Worker.Protocol;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cosmo.Functions.Tests.Local.Host;

/// <summary>What becomes of that which runs when the host stops.</summary>
public sealed class StopTests
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(6);

    private readonly ManualTimeProvider _time = new();

    [Fact]
    public async Task An_activity_that_ends_in_time_is_not_run_again()
    {
        await using var app = await HoldAsync();

        var stop = app.App.StopAsync();
        await File.WriteAllTextAsync(app.Path + ".release", "");
        await stop;
        File.Delete(app.Path + ".running");
        await app.App.StartAgainAsync();

        (await app.App.EndAsync(app.Instance)).Output!.ToString().ShouldBe("released");
        File.Exists(app.Path + ".running").ShouldBeFalse();
    }

    [Fact]
    public async Task A_request_that_ends_in_time_is_answered()
    {
        await using var app = new HostedApp(_time);
        await app.InitializeAsync();
        var path = app.NewPath();
        var request = app.Client.PostAsync($"api/hold?path={path}", null);
        await HostedApp.WaitForFileAsync(path + ".running");

        var stop = app.StopAsync();
        await File.WriteAllTextAsync(path + ".release", "");
        using var response = await request;
        await stop;

        (await response.Content.ReadAsStringAsync()).ShouldBe("released");
    }

    [Fact]
    public async Task An_activity_that_takes_too_long_is_told_to_stop()
    {
        await using var app = await HoldAsync();

        var stop = app.App.StopAsync();
        File.Exists(app.Path + ".cancelled").ShouldBeFalse();
        _time.Advance(Grace);
        await HostedApp.WaitForFileAsync(app.Path + ".cancelled");
        await stop;

        app.App.Host.WorkerProcessId.ShouldBeNull();
    }

    [Fact]
    public async Task An_activity_that_never_ends_does_not_hold_the_stop_up()
    {
        await using var app = new HostedApp();
        await app.InitializeAsync();
        var path = app.NewPath();
        await app.BeginAsync("CallActivity", new { Activity = "Hang", Input = path, Tries = 1 });
        await HostedApp.WaitForFileAsync(path);

        await app.StopAsync().WaitAsync(TimeSpan.FromSeconds(30));

        app.Host.WorkerProcessId.ShouldBeNull();
    }

    [Fact]
    public async Task Orchestrations_go_on_after_the_next_start()
    {
        await using var app = new HostedApp();
        await app.InitializeAsync();
        var instance = await app.BeginAsync("AwaitEvent");
        await app.StateAsync(instance, status => status == "Running");

        await app.StopAsync();
        await app.StartAgainAsync();
        await app.ManageAsync(instance, "raise");

        (await app.EndAsync(instance)).Output!.ToString().ShouldBe("gone");
    }

    /// <summary>By these words the Durable extension knows that nothing was run; a cancellation it may take for the end of the orchestration.</summary>
    [Fact]
    public async Task What_waits_for_a_worker_as_the_host_stops_fails_as_where_there_is_none()
    {
        await using var workers = new WorkerSupervisor(null!, _time, NullLogger<WorkerSupervisor>.Instance);
        using var drain = new CancellationTokenSource();

        var waiting = workers.InvokeAsync("AnswerMessage", new InvocationRequest(), drain.Token);
        await drain.CancelAsync();

        (await waiting.ShouldThrowAsync<InvalidOperationException>()).Message.ShouldBe("Did not find any initialized language workers.");
    }

    /// <summary>A step of an orchestration waits for a worker that is not started again in time, and so does a request, which the host waits for as long as it waits for anything.</summary>
    [Fact]
    public async Task An_orchestration_that_waits_for_a_worker_as_the_host_stops_goes_on_after_the_next_start()
    {
        await using var app = new HostedApp(_time);
        await app.InitializeAsync();
        var path = app.NewPath();
        await File.WriteAllTextAsync(path + ".release", "");
        await app.KillWorkerAsync();
        var request = app.Client.GetAsync("api/environment/FUNCTIONS_WORKER_RUNTIME");
        var instance = await app.BeginByHostAsync("CallActivity", new { Activity = "Hold", Input = path, Tries = 1 });
        await app.Logs.WaitForAsync("Executing 'CallActivity'", TestContext.Current.CancellationToken);

        var stop = app.StopAsync();
        _time.Advance(Grace);
        await stop;
        _ = await Record.ExceptionAsync(() => request);
        await app.StartAgainAsync();

        (await app.EndAsync(instance)).Output!.ToString().ShouldBe("released");
    }

    private async Task<Held> HoldAsync()
    {
        var app = new HostedApp(_time);
        await app.InitializeAsync();
        var path = app.NewPath();
        var instance = await app.BeginAsync("CallActivity", new { Activity = "Hold", Input = path, Tries = 1 });
        await HostedApp.WaitForFileAsync(path + ".running");
        return new Held(app, instance, path);
    }

    /// <summary>An app whose activity waits.</summary>
    private sealed record Held(HostedApp App, string Instance, string Path) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => App.DisposeAsync();
    }
}
