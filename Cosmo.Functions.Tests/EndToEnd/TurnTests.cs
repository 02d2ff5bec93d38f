namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Promise 3: what becomes of a message whose channel is busy.</summary>
public sealed class TurnTests
{
    [Fact]
    public async Task More_than_may_wait_are_refused_with_a_clear_error()
    {
        await using var stack = await StartAsync(("Cosmo:Conversations:MaxWaiting", "1"));
        await using var client = await BusyAsync(stack);
        await stack.Queue.SendAsync("channel", "msg-2", "Hello");
        await stack.Queue.SendAsync("channel", "msg-3", "Hello");

        var refused = await client.FinalAsync("msg-3");
        var letter = await stack.Queue.NextDeadLetterAsync();
        await client.FinalAsync("msg-2");

        refused["error_details"]!.GetValue<string>().ShouldBe("More than 1 messages wait in this channel");
        letter.Headers["x-cosmo-cause"].ShouldBe("channel_full");
        client.Finals().ShouldBe(["msg-3", "msg-1", "msg-2"]);
    }

    [Fact]
    public async Task Where_a_busy_channel_rejects_the_second_message_is_refused()
    {
        await using var stack = await StartAsync(("Cosmo:Conversations:WhenBusy", "reject"));
        await using var client = await BusyAsync(stack);
        await stack.Queue.SendAsync("channel", "msg-2", "Hello");

        var refused = await client.FinalAsync("msg-2");
        (refused["error_details"]?.GetValue<string>()).ShouldBe("Another message of this channel is being answered");
        await client.FinalAsync("msg-1");
        await stack.Queue.SendAsync("channel", "msg-3", "Hello");
        var third = await client.FinalAsync("msg-3");

        (await stack.Queue.NextDeadLetterAsync()).Headers["x-cosmo-cause"].ShouldBe("channel_busy");
        third["status"]!.GetValue<string>().ShouldBe("completed");
    }

    [Fact]
    public async Task Where_a_busy_channel_is_interrupted_the_running_answer_is_cancelled_and_the_new_one_runs()
    {
        await using var stack = await StartAsync(("Cosmo:Conversations:WhenBusy", "interrupt"));
        await using var client = await BusyAsync(stack);
        await stack.Queue.SendAsync("channel", "msg-2", "Hello");

        var first = await client.FinalAsync("msg-1");
        var second = await client.FinalAsync("msg-2");

        first["status"]!.GetValue<string>().ShouldBe("cancelled");
        first["message"]!.GetValue<string>().ShouldNotBeEmpty();
        second["status"]!.GetValue<string>().ShouldBe("completed");
        (await stack.RequestsAsync("essay")).ShouldHaveSingleItem()["aborted"]!.GetValue<bool>().ShouldBeTrue();
    }

    private static Task<CosmoStack> StartAsync(params IEnumerable<(string Name, string Value)> settings) =>
        CosmoStack.StartAsync(settings.ToDictionary(setting => setting.Name, setting => setting.Value));

    /// <summary>A client of a channel in which an answer is under way for some seconds.</summary>
    private static async Task<ChatClient> BusyAsync(CosmoStack stack)
    {
        await stack.FaultAsync("""[{ "userText": "essay", "longAnswer": 150, "pace": 15 }]""");
        var client = await stack.OpenAsync("channel");
        await stack.Queue.SendAsync("channel", "msg-1", "essay");
        await client.StatusAsync("in_progress");
        return client;
    }
}
