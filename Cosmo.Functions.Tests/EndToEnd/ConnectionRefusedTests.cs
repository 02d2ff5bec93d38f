namespace Cosmo.Functions.Tests.EndToEnd;

public sealed class ConnectionRefusedTests
{
    [Fact]
    public async Task A_model_that_cannot_be_reached_has_its_sentence()
    {
        await using var stack = await CosmoStack.StartAsync(new Dictionary<string, string> { ["OPENAI_BASE_URL"] = "http://127.0.0.1:1/v1" });
        await using var client = await stack.OpenAsync("channel");

        await stack.Queue.SendAsync("channel", "msg-1", "Hello");
        var final = await client.FinalAsync("msg-1");

        final["message"]!.GetValue<string>().ShouldBe("I'm having trouble connecting to my services. Please try again in a moment.");
        (await stack.Queue.NextDeadLetterAsync()).Headers["x-cosmo-cause"].ShouldBe("connection");
    }
}
