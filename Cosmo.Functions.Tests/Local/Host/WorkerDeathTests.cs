using System.Net;

namespace Cosmo.Functions.Tests.Local.Host;

/// <summary>A worker that dies, and a host that does.</summary>
public sealed class WorkerDeathTests(HostedApp app) : IClassFixture<HostedApp>
{
    [Fact]
    public async Task An_activity_fails_with_its_worker()
    {
        var instance = await app.BeginByHostAsync("CallActivity", new { Activity = "KillWorkerOnce", Input = app.NewPath(), Tries = 1 });

        (await app.EndAsync(instance)).Output!.ToString().ShouldNotBe("survived");
    }

    [Fact]
    public async Task An_activity_with_a_retry_policy_outlives_its_worker()
    {
        var instance = await app.BeginByHostAsync("CallActivity", new { Activity = "KillWorkerOnce", Input = app.NewPath(), Tries = 3 });

        (await app.EndAsync(instance)).Output!.ToString().ShouldBe("survived");
    }

    [Fact]
    public async Task An_orchestration_goes_on_after_its_worker_died()
    {
        var instance = await app.BeginAsync("AwaitEvent");
        await app.StateAsync(instance, status => status == "Running");

        await app.KillWorkerAsync();
        await app.ManageAsync(instance, "raise");

        (await app.EndAsync(instance)).Output!.ToString().ShouldBe("gone");
    }

    [Fact]
    public async Task A_request_that_comes_while_there_is_no_worker_waits_for_the_next()
    {
        await app.KillWorkerAsync();

        (await app.Client.GetStringAsync("api/environment/FUNCTIONS_WORKER_RUNTIME")).ShouldBe("dotnet-isolated");
    }

    [Fact]
    public async Task A_request_fails_with_its_worker()
    {
        using var response = await app.Client.PostAsync("api/kill", null);

        response.StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
    }
}
