using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests.Local.Host;

/// <summary>Orchestrations of an app that is not ours, on the official worker and the official extension.</summary>
public sealed class OrchestrationTests(HostedApp app) : IClassFixture<HostedApp>
{
    [Fact]
    public async Task Activities_run_one_after_the_other() =>
        (await app.RunAsync("GreetCities"))!.AsArray().Select(city => city!.ToString()).ShouldBe(["Hello Tokyo!", "Hello London!", "Hello Seattle!"]);

    [Fact]
    public async Task An_orchestration_continues_as_new() => (await app.RunAsync("CountDown", 3))!.ToString().ShouldBe("Hello Zero!");

    [Fact]
    public async Task Sub_orchestrations_run_side_by_side() =>
        (await app.RunAsync("DoubleAll", new[] { 1, 2, 3 }))!.AsArray().Select(number => number!.GetValue<int>()).ShouldBe([2, 4, 6]);

    [Fact]
    public async Task An_activity_that_fails_at_first_is_tried_again() => (await app.RunAsync("Persist", 2))!.GetValue<int>().ShouldBe(3);

    [Fact]
    public async Task Type_message_and_inner_failure_of_an_activity_reach_the_orchestrator()
    {
        var failure = await app.RunAsync("DescribeFailure");

        JsonNode.DeepEquals(failure, new JsonObject
        {
            ["type"] = "System.InvalidOperationException",
            ["message"] = "It failed: a text.",
            ["innerType"] = "System.ArgumentException",
            ["innerMessage"] = "The inner cause.",
            ["isCausedByInvalidOperation"] = true,
        }).ShouldBeTrue(failure!.ToJsonString());
    }

    [Fact]
    public async Task Bytes_go_through_an_activity() => (await app.RunAsync("ReverseBytes", new byte[] { 1, 2, 3 }))!.ToString().ShouldBe(Convert.ToBase64String([3, 2, 1]));

    [Fact]
    public async Task A_timer_rings() => (await app.RunAsync("AwaitTimer"))!.ToString().ShouldBe("rang");

    [Fact]
    public async Task An_entity_keeps_its_state_from_one_orchestration_to_the_next()
    {
        var first = (await app.RunAsync("AddToCounter", 5))!.GetValue<int>();
        var second = (await app.RunAsync("AddToCounter", 7))!.GetValue<int>();

        (second - first).ShouldBe(7);
    }

    [Fact]
    public async Task A_client_raises_an_event()
    {
        var instance = await app.BeginAsync("AwaitEvent");

        await app.ManageAsync(instance, "raise");

        (await app.EndAsync(instance)).Output!.ToString().ShouldBe("gone");
    }

    [Fact]
    public async Task A_client_terminates_an_orchestration()
    {
        var instance = await app.BeginAsync("AwaitEvent");
        await app.StateAsync(instance, status => status == "Running");

        await app.ManageAsync(instance, "terminate");

        (await app.EndAsync(instance)).Status.ShouldBe("Terminated");
    }

    [Fact]
    public async Task A_suspended_orchestration_takes_its_event_when_it_is_resumed()
    {
        var instance = await app.BeginAsync("AwaitEvent");
        await app.StateAsync(instance, status => status == "Running");

        await app.ManageAsync(instance, "suspend");
        await app.StateAsync(instance, status => status == "Suspended");
        await app.ManageAsync(instance, "raise");
        await app.ManageAsync(instance, "resume");

        (await app.EndAsync(instance)).Output!.ToString().ShouldBe("gone");
    }

    [Fact]
    public async Task A_purged_orchestration_is_gone()
    {
        var instance = await app.BeginAsync("GreetCities");
        await app.EndAsync(instance);

        await app.ManageAsync(instance, "purge");

        using var status = await app.Client.GetAsync($"api/status/{instance}");
        status.StatusCode.ShouldBe(System.Net.HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task What_a_function_logs_goes_to_the_host_as_far_as_host_json_lets_it()
    {
        var text = Guid.NewGuid().ToString();

        await app.RunAsync("CallActivity", new { Activity = "Talk", Input = text, Tries = 1 });

        app.Logs.Text.ShouldContain($"information {text}", Case.Sensitive);
        app.Logs.Text.Split($"information {text}").Length.ShouldBe(2);
        app.Logs.Text.Split($"warning {text}").Length.ShouldBe(3);
    }
}
