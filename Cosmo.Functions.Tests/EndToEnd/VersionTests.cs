namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Two versions of the orchestration side by side, as during a deployment.</summary>
public sealed class VersionTests
{
    private const string Version = "AzureFunctionsJobHost:extensions:durableTask:defaultVersion";

    [Fact]
    public async Task A_newer_worker_finishes_what_an_older_began_and_an_older_leaves_what_a_newer_began()
    {
        await using var stack = await CosmoStack.StartAsync(new Dictionary<string, string>(CosmoStack.Patient) { [Version] = "2.0" }, inOwnProcess: true);
        await using var client = await stack.OpenAsync("channel");
        await using var other = await stack.OpenAsync("other");
        await stack.FaultAsync("""[{ "delayBeforeFirstEvent": 60000, "times": 1 }]""");
        await stack.Queue.SendAsync("channel", "msg-1", "Hello");
        await stack.Queue.SendAsync("channel", "msg-2", "Weather in Makati?");
        await Eventually.IsSoAsync(
            async () => (await stack.RequestsAsync("Hello")).Count == 1 && await IsKnownAsync(stack, "msg-2"), () => "The model was not asked, or the message is not known.", TestContext.Current.CancellationToken);

        // The older finishes the work that was begun, which gives the turn to the next; but its orchestration is the newer's.
        await stack.KillAsync();
        stack.Set(Version, "1.0");
        await stack.StartFunctionsAsync();
        await client.FinalAsync("msg-1", seconds: 60);
        await stack.FaultAsync("""[{ "userText": "Bye", "delayBeforeFirstEvent": 60000, "times": 1 }]""");
        await stack.Queue.SendAsync("other", "msg-3", "Bye");
        await Eventually.IsSoAsync(async () => (await stack.RequestsAsync("Bye")).Count == 1, () => "The model was not asked.", TestContext.Current.CancellationToken);
        (await stack.RequestsAsync("Makati")).ShouldBeEmpty();

        await stack.KillAsync();
        stack.Set(Version, "2.0");
        await stack.StartFunctionsAsync();
        (await client.FinalAsync("msg-2", seconds: 60))["status"]!.GetValue<string>().ShouldBe("completed");
        (await other.FinalAsync("msg-3", seconds: 60))["status"]!.GetValue<string>().ShouldBe("completed");
    }

    /// <summary>Whether the message has an orchestration.</summary>
    private static async Task<bool> IsKnownAsync(CosmoStack stack, string messageId)
    {
        using var answer = await stack.Http.GetAsync($"conversations/{messageId}", TestContext.Current.CancellationToken);
        return answer.IsSuccessStatusCode;
    }
}
