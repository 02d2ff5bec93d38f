using System.Text.RegularExpressions;
using StackExchange.Redis;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>What <c>./cosmo bench soak</c> looks at for an hour, for some seconds: some hundred answers, every tenth with trouble, leave nothing behind.</summary>
public sealed partial class ShortSoakTests(ToolsFixture shared) : SharedStackTest(shared)
{
    private const int Channels = 10;

    /// <summary>Answers in each channel before what is there is noted, and after that.</summary>
    private const int Before = 10;
    private const int After = 20;

    /// <summary>What an answer may leave on the heap, in bytes. A heap is never twice the same; what would grow by less is seen in an hour of the benchmark.</summary>
    private const long HeapOfAnAnswer = 2_000;

    private static readonly string[] Questions = ["Hello", "Weather in Makati?"];

    /// <summary>What goes wrong in turns, as the question that asks for it, and how that ends.</summary>
    private static readonly (string Question, string Status)[] Troubles =
    [
        ("Please refuse this", "error"),
        ("Please fail at this", "error"),
        ("Please write an essay", "cancelled"),
        ("What is the role of nobody@example.com?", "completed"),
        ("", "error"),
    ];

    private readonly SemaphoreSlim _deleting = new(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public override ValueTask DisposeAsync()
    {
        _deleting.Dispose();
        return base.DisposeAsync();
    }

    [Fact]
    public async Task Hundreds_of_answers_of_which_every_tenth_has_trouble_leave_nothing_behind()
    {
        await Stack.FaultAsync(
            """
            [{ "userText": "refuse this", "status": 400, "code": "invalid_value" }, { "userText": "fail at this", "failAfterTokens": 3 },
             { "userText": "an essay", "longAnswer": 500, "pace": 40 }]
            """);
        await AnswerAsync("before", Before);
        var before = await LookAsync();
        before.Worker.Counts.ShouldContainKey("Cosmo.Functions.Answering.StopSignals._running");

        await AnswerAsync("long", After);

        // What follows from the last ends is still going on, and what was used goes a moment later.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        var after = await LookAsync();
        while (Differences(before, after).Any() && !limit.IsCancellationRequested)
        {
            await Task.Delay(200, Cancellation);
            after = await LookAsync();
        }

        Differences(before, after).ShouldBeEmpty();
    }

    /// <summary>What is more than it was.</summary>
    private static IEnumerable<string> Differences(Look before, Look after)
    {
        if (after.Worker.Process != before.Worker.Process)
        {
            yield return "another worker";
        }

        foreach (var (name, count) in after.Worker.Counts.Where(one => one.Value > before.Worker.Counts.GetValueOrDefault(one.Key)))
        {
            yield return $"{name}: {count}";
        }

        foreach (var key in after.Keys.Except(before.Keys))
        {
            yield return key;
        }

        if (after.Handles >= before.Handles + (Channels * After / 10))
        {
            yield return $"{after.Handles} handles, {before.Handles} before";
        }

        if (after.Worker.Heap - before.Worker.Heap > Channels * After * HeapOfAnAnswer)
        {
            yield return $"{after.Worker.Heap} bytes of heap, {before.Worker.Heap} before";
        }
    }

    /// <summary>So many answers in each channel; then the channels are deleted.</summary>
    private async Task AnswerAsync(string name, int each)
    {
        await Task.WhenAll(Enumerable.Range(0, Channels).Select(async number =>
        {
            var channel = $"{name}-{number}-{Guid.NewGuid():n}";
            await using var client = await Stack.OpenAsync(channel);
            for (var message = 0; message < each; message++)
            {
                var (question, status) = message % 10 == 9 ? Troubles[(number + (message / 10)) % Troubles.Length] : (Questions[message % Questions.Length], "completed");
                await Stack.Queue.SendAsync(channel, $"msg-{message}", question);
                if (status == "cancelled")
                {
                    await client.StatusAsync("in_progress");
                    using var cancelled = await Stack.Http.PostAsync($"channels/{channel}/messages/msg-{message}/cancel", null, Cancellation);
                }

                (await client.FinalAsync($"msg-{message}"))["status"]!.GetValue<string>().ShouldBe(status, question);
            }

            client.Finals().Count().ShouldBe(each);
            await DeleteAsync(channel);
        }));
    }

    /// <summary>One looks through the dead letters at a time, so another may have to wait.</summary>
    private async Task DeleteAsync(string channel)
    {
        await _deleting.WaitAsync(Cancellation);
        try
        {
            using var answer = await Stack.Http.DeleteAsync($"threads/{channel}?confirm=DELETE", Cancellation);
            answer.EnsureSuccessStatusCode();
        }
        finally
        {
            _deleting.Release();
        }
    }

    private async Task<Look> LookAsync()
    {
        var worker = await WorkerGauge.ReadAsync(Shared.GaugePath, Cancellation);
        var keys = new List<string>();
        var cursor = "0";
        do
        {
            var page = (RedisResult[])(await Stack.Redis.RunAsync(database => database.ExecuteAsync("SCAN", cursor, "MATCH", $"{Stack.RedisPrefix}*", "COUNT", "1000"), Cancellation))!;
            cursor = (string)page[0]!;
            keys.AddRange(((string[])page[1]!).Select(key => key[Stack.RedisPrefix.Length..]));
        }
        while (cursor != "0");

        return new Look(worker, Directory.GetFileSystemEntries($"/proc/{worker.Process}/fd").Length, [.. keys.Where(key => !OfAll().IsMatch(key)).Order(StringComparer.Ordinal)]);
    }

    /// <param name="Worker">What is in its memory.</param>
    /// <param name="Handles">What it has open.</param>
    /// <param name="Keys">Keys of Redis, without their prefix, that are a channel's.</param>
    private sealed record Look(WorkerGauge.Reading Worker, int Handles, IReadOnlyList<string> Keys);

    /// <summary>What is no channel's: the index of threads, what was used on a day, and how often callers came in a minute.</summary>
    [GeneratedRegex(@"^(\{(threads|usage|feedback)\}|rate):")]
    private static partial Regex OfAll();
}
