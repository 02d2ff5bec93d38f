using System.Globalization;
using Cosmo.Local.Emulators.OpenAI;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Promise 5, at random.</summary>
public sealed class ChaosTests
{
    /// <summary>
    /// Kills the worker, or host and worker, at random points while several conversations, some with tools, are under way; then counts. A final update may reach a client twice if the
    /// process dies between the send and the note that it was sent; both have the same sequence, by which a client knows it. A message that the trigger has in
    /// hand when the worker dies goes to the queue's tail, as on the real host, so those of a channel may change places; they are answered one at a time even so.
    /// </summary>
    [Fact]
    public async Task Killed_again_and_again_at_random_every_message_is_answered_once()
    {
        const int channels = 6, messages = 3, kills = 6;
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper!.WriteLine($"Seed {seed}.");
        var random = new Random(seed);
        string[] questions = ["Weather in Makati?", "Weather in Makati and in Cebu?", "Hello"];
        await using var stack = await CosmoStack.StartAsync(
            CosmoStack.Patient, new OpenAIEmulatorOptions { FirstTokenDelay = TimeSpan.FromMilliseconds(20), TokenPace = TimeSpan.FromMilliseconds(15) }, inOwnProcess: true);
        var clients = await Task.WhenAll(Enumerable.Range(0, channels).Select(channel => stack.OpenAsync($"channel-{channel}")));
        foreach (var message in Enumerable.Range(0, messages))
        {
            foreach (var channel in Enumerable.Range(0, channels))
            {
                await stack.Queue.SendAsync($"channel-{channel}", $"msg-{message}", questions[(message + channel) % questions.Length]);
            }
        }

        for (var kill = 0; kill < kills; kill++)
        {
            await Task.Delay(random.Next(50, 900), TestContext.Current.CancellationToken);
            if (random.Next(2) == 0)
            {
                await stack.KillWorkerAsync();
                continue;
            }

            await stack.KillAsync();
            await stack.StartFunctionsAsync();
        }

        foreach (var (client, channel) in clients.Select((client, channel) => (client, channel)))
        {
            while (client.Finals().Distinct().Count() < messages)
            {
                await client.NextAsync(seconds: 120);
            }

            var payloads = client.Rest().Select(update => update["payload"]!).ToList();
            var finals = payloads.Where(payload => payload["final_message"]!.GetValue<bool>()).DistinctBy(payload => payload["sequence"]!.GetValue<long>()).ToList();
            finals.Select(final => $"{final["message_id"]} {final["status"]}").Order().ShouldBe(Enumerable.Range(0, messages).Select(message => $"msg-{message} completed"));
            foreach (var final in finals)
            {
                payloads.Where(payload => payload["message_id"]!.GetValue<string>() == final["message_id"]!.GetValue<string>())
                    .ShouldAllBe(payload => payload["sequence"]!.GetValue<long>() <= final["sequence"]!.GetValue<long>());
            }

            var threadId = finals[0]["thread_id"]!.GetValue<string>();
            finals.ShouldAllBe(final => final["thread_id"]!.GetValue<string>() == threadId);
            var order = finals.Select(final => int.Parse(final["message_id"]!.GetValue<string>()["msg-".Length..], CultureInfo.InvariantCulture));
            (await stack.QuestionsAsync(threadId)).ShouldBe(order.Select(message => questions[(message + channel) % questions.Length]));
            (await stack.UnansweredCallsAsync(threadId)).ShouldBeEmpty();
            await client.DisposeAsync();
        }

        (await stack.Queue.CountDeadLettersAsync()).ShouldBe(0u);
    }
}
