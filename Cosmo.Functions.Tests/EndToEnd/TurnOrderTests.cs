namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Promise 3: one message of a channel at a time, in their order, and no channel waits for another.</summary>
public sealed class TurnOrderTests(ToolsFixture shared) : SharedStackTest(shared)
{
    [Fact]
    public async Task A_hundred_messages_of_one_channel_keep_their_order_and_a_hundred_other_channels_do_not_starve()
    {
        await using var busy = await Stack.OpenAsync("busy");
        var others = await Task.WhenAll(Enumerable.Range(0, 100).Select(number => Stack.OpenAsync($"other-{number}")));

        foreach (var number in Enumerable.Range(0, 100))
        {
            await Stack.Queue.SendAsync("busy", $"msg-{number:00}", "Hello");
        }

        foreach (var number in Enumerable.Range(0, 100))
        {
            await Stack.Queue.SendAsync($"other-{number}", "msg", "Hello");
        }

        var finals = await Task.WhenAll(others.Select(client => client.FinalAsync("msg", seconds: 60)));
        var answeredMeanwhile = busy.Finals().Count();
        await busy.FinalAsync("msg-99", seconds: 60);

        finals.ShouldAllBe(final => final["status"]!.GetValue<string>() == "completed");
        answeredMeanwhile.ShouldBeLessThan(100);
        busy.Finals().ShouldBe(Enumerable.Range(0, 100).Select(number => $"msg-{number:00}"));
        busy.Seen.Select(update => update["payload"]!["message_id"]!.GetValue<string>()).ShouldBeInOrder();
        foreach (var other in others)
        {
            await other.DisposeAsync();
        }
    }
}
