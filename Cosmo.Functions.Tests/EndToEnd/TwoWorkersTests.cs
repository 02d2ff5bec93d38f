using System.Net;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Promise 6: two workers with a broker and a Redis in common, and a durable store each.</summary>
[Collection<OnTwoWorkers>]
public sealed class TwoWorkersTests(TwoWorkers two)
{
    private readonly CosmoStack _stack = two.Stack;

    [Fact]
    public async Task Turns_fences_and_deduplication_hold_across_them()
    {
        const int channels = 8, messages = 4;
        var clients = await Task.WhenAll(Enumerable.Range(0, channels).Select(channel => _stack.OpenAsync($"channel-{channel}")));

        foreach (var message in Enumerable.Range(0, messages))
        {
            foreach (var channel in Enumerable.Range(0, channels))
            {
                await _stack.Queue.SendAsync($"channel-{channel}", $"msg-{message}", $"Hello {message}");
                await _stack.Queue.SendAsync($"channel-{channel}", $"msg-{message}", $"Hello {message}");
            }
        }

        foreach (var client in clients)
        {
            var last = await client.FinalAsync($"msg-{messages - 1}", seconds: 60);
            client.Finals().Order().ShouldBe(Enumerable.Range(0, messages).Select(message => $"msg-{message}"));
            (await _stack.QuestionsAsync(last["thread_id"]!.GetValue<string>())).Order().ShouldBe(Enumerable.Range(0, messages).Select(message => $"Hello {message}"));

            // One at a time: what a message has said is not mixed with another's.
            var spoken = client.Seen.Select(update => update["payload"]!["message_id"]!.GetValue<string>()).ToList();
            spoken.Where((id, i) => i == 0 || spoken[i - 1] != id).ShouldBeUnique();
            await client.DisposeAsync();
        }

        (await _stack.Queue.CountDeadLettersAsync()).ShouldBe(0u);
    }

    [Fact]
    public async Task The_other_worker_cancels_too()
    {
        await using var client = await _stack.OpenAsync("channel");
        await _stack.FaultAsync("""[{ "userText": "essay", "longAnswer": 1000, "pace": 40 }]""");
        await _stack.Queue.SendAsync("channel", "msg", "essay");
        await client.StatusAsync("in_progress");
        using var known = await _stack.Http.GetAsync("conversations/msg?channel=channel", TestContext.Current.CancellationToken);
        var other = known.IsSuccessStatusCode ? _stack.SecondHttp : _stack.Http;

        using var answer = await other.PostAsync("channels/channel/messages/msg/cancel", null, TestContext.Current.CancellationToken);
        var final = await client.FinalAsync("msg");

        answer.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        final["status"]!.GetValue<string>().ShouldBe("cancelled");
        (await _stack.RequestsAsync("essay")).ShouldHaveSingleItem()["aborted"]!.GetValue<bool>().ShouldBeTrue();
    }
}

/// <summary>The tests on two workers that stay, with channels of their own.</summary>
[CollectionDefinition]
public sealed class OnTwoWorkers : ICollectionFixture<TwoWorkers>;

public sealed class TwoWorkers : CosmoFixture
{
    protected override Dictionary<string, string> Settings => new(CosmoStack.Patient);

    protected override int Pace => 2;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        await Stack.StartBesideAsync("second");
    }
}
