using System.Net;
using Cosmo.Local.Emulators.OpenAI;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Promise 6: two workers with a broker and a Redis in common, and a durable store each.</summary>
public sealed class TwoWorkersTests
{
    [Fact]
    public async Task Turns_fences_and_deduplication_hold_across_them()
    {
        const int channels = 8, messages = 4;
        await using var stack = await CosmoStack.StartAsync(openAI: new OpenAIEmulatorOptions { FirstTokenDelay = TimeSpan.Zero, TokenPace = TimeSpan.FromMilliseconds(2) });
        await stack.StartSecondWorkerAsync();
        var clients = await Task.WhenAll(Enumerable.Range(0, channels).Select(channel => stack.OpenAsync($"channel-{channel}")));

        foreach (var message in Enumerable.Range(0, messages))
        {
            foreach (var channel in Enumerable.Range(0, channels))
            {
                await stack.Queue.SendAsync($"channel-{channel}", $"msg-{message}", $"Hello {message}");
                await stack.Queue.SendAsync($"channel-{channel}", $"msg-{message}", $"Hello {message}");
            }
        }

        foreach (var client in clients)
        {
            var last = await client.FinalAsync($"msg-{messages - 1}", seconds: 60);
            client.Finals().Order().ShouldBe(Enumerable.Range(0, messages).Select(message => $"msg-{message}"));
            (await stack.QuestionsAsync(last["thread_id"]!.GetValue<string>())).Order().ShouldBe(Enumerable.Range(0, messages).Select(message => $"Hello {message}"));

            // One at a time: what a message has said is not mixed with another's.
            var spoken = client.Seen.Select(update => update["payload"]!["message_id"]!.GetValue<string>()).ToList();
            spoken.Where((id, i) => i == 0 || spoken[i - 1] != id).ShouldBeUnique();
            await client.DisposeAsync();
        }

        (await stack.Queue.CountDeadLettersAsync()).ShouldBe(0u);
    }

    [Fact]
    public async Task The_other_worker_cancels_too()
    {
        await using var stack = await CosmoStack.StartAsync();
        await using var client = await stack.OpenAsync("channel");
        await stack.FaultAsync("""[{ "userText": "essay", "longAnswer": 1000, "pace": 40 }]""");
        await stack.Queue.SendAsync("channel", "msg-1", "essay");
        await client.StatusAsync("in_progress");
        await stack.StartSecondWorkerAsync();

        using var answer = await stack.SecondHttp.PostAsync("channels/channel/messages/msg-1/cancel", null, TestContext.Current.CancellationToken);
        var final = await client.FinalAsync("msg-1");

        answer.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        final["status"]!.GetValue<string>().ShouldBe("cancelled");
        (await stack.RequestsAsync("essay")).ShouldHaveSingleItem()["aborted"]!.GetValue<bool>().ShouldBeTrue();
    }
}
