using System.Diagnostics;
using System.Globalization;
using Azure.Data.Tables;
using Cosmo.Local.Emulators.OpenAI;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>
/// Two versions of the app at once, on one store of orchestrations, which is Azure Storage's, and one queue: instances that are replaced one after the other, or two slots.
/// </summary>
public sealed class SideBySideTests : IAsyncLifetime
{
    /// <summary>Answers that take so long that everything below happens in their middle.</summary>
    private const string Essays = """[{ "userText": "essay", "longAnswer": 400, "pace": 50 }]""";

    private readonly AzuriteServer _azurite = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => _azurite.InitializeAsync();

    public ValueTask DisposeAsync() => _azurite.DisposeAsync();

    [Fact]
    public async Task The_newer_finishes_what_the_older_began_and_the_older_leaves_what_the_newer_began()
    {
        await using var stack = await StartAsync("2.0", inOwnProcess: false, new(CosmoStack.Patient));
        await using var newer = await stack.OpenAsync("newer");
        await using var older = await stack.OpenAsync("older");
        await stack.FaultAsync("""[{ "userText": "of the newer", "longAnswer": 2000, "pace": 50, "times": 1 }, { "userText": "of the older", "longAnswer": 2000, "pace": 50, "times": 1 }]""");
        await stack.Queue.SendAsync("newer", "msg-1", "essay of the newer");
        await newer.StatusAsync("in_progress", seconds: 60);
        await stack.Queue.SendAsync("newer", "msg-2", "Weather in Makati?");
        await KnownAsync(stack.Http, "msg-2");

        // The older carries on the work that was begun, which gives the turn to the next; but its orchestration is the newer's.
        await StartBesideAsync(stack, "1.0", "older");
        await stack.EndOldestAsync();
        await newer.FinalAsync("msg-1", seconds: 90);
        await stack.Queue.SendAsync("older", "msg-3", "essay of the older");
        await older.StatusAsync("in_progress", seconds: 90);
        (await stack.RequestsAsync("Makati")).ShouldBeEmpty();

        await StartBesideAsync(stack, "2.0", "newer");
        await stack.EndOldestAsync();
        (await older.FinalAsync("msg-3", seconds: 90))["status"]!.GetValue<string>().ShouldBe("completed");
        (await newer.FinalAsync("msg-2", seconds: 90))["status"]!.GetValue<string>().ShouldBe("completed");
        (await stack.Queue.CountDeadLettersAsync()).ShouldBe(0u);
    }

    /// <summary>The figures of docs/operating.md: measurements that take minutes, since they wait as long as the settings of host.json and the extension's leases have them.</summary>
    [Theory(Explicit = true)]
    [InlineData("stopped", true)]
    [InlineData("killed", true)]
    [InlineData("stopped", false)]
    public async Task How_long_an_answer_waits_for_the_other_instance(string end, bool beside)
    {
        await using var stack = await StartAsync("1.0", inOwnProcess: true, []);
        var answers = await BeginAsync(stack);
        if (beside)
        {
            await StartBesideAsync(stack, "2.0", "newer");
            await BalancedAsync();
        }

        await ReportAsync($"{end}, {(beside ? "another is there" : "another is started then")}", answers, ReplaceAsync());

        async Task ReplaceAsync()
        {
            await stack.EndOldestAsync(kill: end == "killed");
            if (!beside)
            {
                await StartBesideAsync(stack, "2.0", "newer");
            }
        }
    }

    /// <summary>The same of a message that waits for its turn, which an older version has left for half a minute.</summary>
    [Fact(Explicit = true)]
    public async Task How_long_a_message_waits_that_was_left()
    {
        await using var stack = await StartAsync("2.0", inOwnProcess: true, new(CosmoStack.Patient));
        var answers = await BeginAsync(stack);
        foreach (var channel in Enumerable.Range(0, answers.Count))
        {
            await stack.Queue.SendAsync($"channel-{channel}", $"next-{channel}", "Hello");
            await KnownAsync(stack.Http, $"next-{channel}");
        }

        await StartBesideAsync(stack, "1.0", "older");
        await stack.EndOldestAsync();
        await Task.WhenAll(answers.Select(client => client.FinalAsync("msg", seconds: 120)));
        await Task.Delay(TimeSpan.FromSeconds(30), Cancelled);
        await StartBesideAsync(stack, "2.0", "newer");

        await ReportAsync("left, the older is still there", answers, Task.CompletedTask, seconds: 60);
        answers.RemoveAll(client => client.Finals().Count() == 2);
        await ReportAsync("left, the older is stopped", answers, stack.EndOldestAsync());
    }

    /// <summary>Waits until the message has an orchestration.</summary>
    private static async Task KnownAsync(HttpClient http, string messageId)
    {
        while (true)
        {
            using var answer = await http.GetAsync($"conversations/{messageId}", Cancelled);
            if (answer.IsSuccessStatusCode)
            {
                return;
            }

            await Task.Delay(20, Cancelled);
        }
    }

    /// <summary>Half a dozen answers, since it is chance which instance has an orchestration.</summary>
    private static async Task<List<ChatClient>> BeginAsync(CosmoStack stack)
    {
        await stack.FaultAsync(Essays);
        var clients = new List<ChatClient>();
        foreach (var channel in Enumerable.Range(0, 6))
        {
            clients.Add(await stack.OpenAsync($"channel-{channel}"));
            await stack.Queue.SendAsync($"channel-{channel}", "msg", "essay");
        }

        foreach (var client in clients)
        {
            await client.StatusAsync("in_progress", seconds: 60);
        }

        return clients;
    }

    /// <summary>Writes how long each answer said nothing, and when and how it was over, from now on.</summary>
    private static async Task ReportAsync(string what, List<ChatClient> answers, Task change, int seconds = 240)
    {
        var begun = Stopwatch.GetTimestamp();
        var lines = await Task.WhenAll(answers.Select(client => FollowAsync(client, begun, TimeSpan.FromSeconds(seconds))));
        await change;
        foreach (var line in lines)
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"{what}: {line}");
        }
    }

    private static async Task<string> FollowAsync(ChatClient client, long begun, TimeSpan limit)
    {
        var (last, silence) = (begun, TimeSpan.Zero);
        while (limit - Stopwatch.GetElapsedTime(begun) is var left && left > TimeSpan.Zero)
        {
            try
            {
                var update = await client.NextAsync((int)Math.Ceiling(left.TotalSeconds));
                var now = Stopwatch.GetTimestamp();
                silence = TimeSpan.FromTicks(Math.Max(silence.Ticks, Stopwatch.GetElapsedTime(last, now).Ticks));
                last = now;
                if (update["final_message"]!.GetValue<bool>())
                {
                    return string.Create(CultureInfo.InvariantCulture, $"silent for {silence.TotalSeconds:0.0} s, {update["status"]} after {Stopwatch.GetElapsedTime(begun).TotalSeconds:0.0} s");
                }
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }

        return string.Create(CultureInfo.InvariantCulture, $"not over after {limit.TotalSeconds:0} s");
    }

    private Task<CosmoStack> StartAsync(string version, bool inOwnProcess, Dictionary<string, string> deadlines) => CosmoStack.StartAsync(
        new Dictionary<string, string>([.. deadlines, .. _azurite.SettingsOf("first", version)]),
        new OpenAIEmulatorOptions { FirstTokenDelay = TimeSpan.FromMilliseconds(20), TokenPace = TimeSpan.FromMilliseconds(20) },
        inOwnProcess);

    private async Task StartBesideAsync(CosmoStack stack, string version, string name)
    {
        foreach (var (setting, value) in _azurite.SettingsOf(name, version))
        {
            stack.Set(setting, value);
        }

        await stack.StartBesideAsync(name);
    }

    /// <summary>Waits until two instances have two control queues each.</summary>
    private async Task BalancedAsync()
    {
        var table = new TableClient(_azurite.ConnectionString, "CosmoPartitions");
        while (true)
        {
            var owners = table.Query<TableEntity>(cancellationToken: Cancelled).Select(partition => partition.GetString("CurrentOwner")).ToList();
            if (owners is { Count: 4 } && owners.GroupBy(owner => owner).All(group => group.Key is not null && group.Count() == 2))
            {
                return;
            }

            await Task.Delay(200, Cancelled);
        }
    }
}
