using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Cosmo.Local.Host.Http;

namespace Cosmo.Bench;

/// <summary>
/// Steady load for long, in which every tenth answer has some trouble: does anything grow? Channels come and go, and what has ended is purged, sooner than an operator
/// would have it, so that within the run as much is taken away as comes. A tenth of the time passes before anything is noted, until that is so; the first quarter of
/// the rest is held against the last. The model is OpenAI's emulator, which knows what every kind of trouble leaves behind.
/// </summary>
internal sealed partial class Soak(Stack stack, Stores stores, Figures figures, Action<string> tell, CancellationToken stopping) : IDisposable
{
    public const string Name = "soak";

    private const int Conversations = 20;
    private const int OfAll = 10;
    private const string FirstQuarter = "first";
    private const string LastQuarter = "last";
    private const string Account = Name + ", all of it";

    /// <summary>Between two questions of a conversation, unless an answer takes longer.</summary>
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    /// <summary>How long the last answers, and what follows from them, are waited for.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(100);

    private static readonly string[] Questions = ["Hello", "Weather in Makati?"];
    private static readonly string[] Processes = ["host", "worker", "redis", "rabbitmq"];

    /// <summary>What goes wrong, in turns.</summary>
    private static readonly Trouble[] Troubles =
    [
        new("refuse", "Please refuse this", """{ "userText": "refuse this", "status": 400, "code": "invalid_value" }""", "error", IsKept: true),
        new("fail", "Please fail at this", """{ "userText": "fail at this", "failAfterTokens": 3 }""", "error", IsKept: true),
        new("cut", "Please break this off", """{ "userText": "break this off", "cutAfterTokens": 3 }""", "error", IsKept: true),
        new("away", "Please be away for this", """{ "userText": "be away", "status": 500 }""", "error", IsKept: true),
        new("silent", "Please say nothing to this", """{ "userText": "say nothing", "delayBeforeFirstEvent": 60000 }""", "error", IsKept: true),
        new("cancel", "Please write an essay", """{ "userText": "an essay", "longAnswer": 500, "pace": 40 }""", "cancelled", IsKept: false),
        new("tool", "What is the role of broken@example.com?", null, "completed", IsKept: false),
        new("invalid", "", null, "error", IsKept: true),
    ];

    private readonly ConcurrentQueue<(Asked Asked, Trouble? Trouble)> _asked = new();
    private readonly ConcurrentDictionary<string, int> _letters = new();
    private readonly ConcurrentDictionary<string, int> _finals = new();
    private readonly SemaphoreSlim _deleting = new(1);
    private int _number;
    private int _notDeleted;
    private long _purged;

    public void Dispose() => _deleting.Dispose();

    /// <summary>Measures; <paramref name="minutes"/> and some more.</summary>
    public async Task RunAsync(int minutes)
    {
        tell("starting");
        var all = TimeSpan.FromMinutes(minutes);
        var keys = FunctionKeys.Open(stack.Folder);
        using var http = new HttpClient { BaseAddress = stack.Api, Timeout = TimeSpan.FromSeconds(60) };
        http.DefaultRequestHeaders.Add("x-functions-key", keys.MasterKey);
        await stack.RestartFunctionsAsync(
            null, new Dictionary<string, string?> { ["OPENAI_BASE_URL"] = stack.OpenAI.ToString(), ["Cosmo__Conversations__FirstEventSeconds"] = "10" }, stopping);
        await ControlAsync(new Uri(stack.OpenAI, "/emulator/faults"), $"[{string.Join(',', Troubles.Select(trouble => trouble.Fault).OfType<string>())}]");
        await ControlAsync(new Uri(stack.Weather, "/emulator/faults"), """[{ "path": "/users/broken", "status": 500 }]""");
        await using var letters = await stack.HearDeadLettersAsync(letter => _letters.AddOrUpdate(letter, 1, (_, before) => before + 1), stopping);
        var before = await stores.KeysAsync();
        var begun = TimeToken.Now;
        var until = begun + (long)all.TotalMicroseconds;
        var samples = SampleAsync(http, keys, begun, all);
        await Task.WhenAll(Enumerable.Range(0, Conversations).Select(i => ConverseAsync(i, http, until, all / 20)));
        await samples;
        await EndAsync(http, keys, before);
        await stack.RestartFunctionsAsync(null, null, CancellationToken.None);
    }

    /// <summary>One channel after the other; each is deleted after its time.</summary>
    private async Task ConverseAsync(int conversation, HttpClient http, long until, TimeSpan lifetime)
    {
        var life = lifetime * ((conversation + 1.0) / Conversations);
        for (var generation = 0; TimeToken.Now < until; generation++, life = lifetime)
        {
            var listener = await Listener.ConnectAsync(stack.WebPubSub, $"{Name}-{conversation}-{generation}", stopping);
            listener.Ended = messageId => _finals.AddOrUpdate(messageId, 1, (_, before) => before + 1);
            var end = Math.Min(until, TimeToken.Now + (long)life.TotalMicroseconds);
            for (var due = TimeToken.Now + (long)(Period * conversation / Conversations).TotalMicroseconds; due < end; due = Math.Max(due + (long)Period.TotalMicroseconds, TimeToken.Now))
            {
                await Task.Delay(TimeSpan.FromMicroseconds(Math.Max(0, due - TimeToken.Now)), stopping);
                await AskAsync(listener, http);
            }

            await DeleteAsync(listener.Channel, http);
            await listener.DisposeAsync();
        }
    }

    /// <summary>One after the other: each looks through the dead letters, which one may do at a time.</summary>
    private async Task DeleteAsync(string channel, HttpClient http)
    {
        await _deleting.WaitAsync(stopping);
        try
        {
            using var answer = await http.DeleteAsync(new Uri($"threads/{channel}?confirm=DELETE", UriKind.Relative), stopping);

            // Of a channel whose only message was none there is no thread.
            if (!answer.IsSuccessStatusCode && answer.StatusCode != HttpStatusCode.NotFound && _notDeleted++ == 0)
            {
                Console.WriteLine($"{Name}: {channel} was not deleted: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(stopping)}");
            }
        }
        finally
        {
            _deleting.Release();
        }
    }

    private async Task AskAsync(Listener listener, HttpClient http)
    {
        var number = Interlocked.Increment(ref _number);
        var trouble = number % OfAll == 0 ? Troubles[number / OfAll % Troubles.Length] : null;
        var asked = new Asked($"s{number}", takesLags: false, isTimed: false) { Published = TimeToken.Now };
        listener.Expect(asked);
        _asked.Enqueue((asked, trouble));
        await stack.PublishAsync(listener.Channel, asked.MessageId, trouble?.Question ?? Questions[number % Questions.Length], stopping);
        try
        {
            if (trouble is { Name: "cancel" })
            {
                await asked.Begun.WaitAsync(Patience, stopping);
                using var cancelled = await http.PostAsync(new Uri($"channels/{listener.Channel}/messages/{asked.MessageId}/cancel", UriKind.Relative), null, stopping);
            }

            await asked.Ended.WaitAsync(Patience, stopping);
        }
        catch (TimeoutException)
        {
            // It counts as one without an end.
            Console.WriteLine($"{Name}: {asked.MessageId} ({trouble?.Name ?? "no trouble"}) had no end.");
        }
    }

    /// <summary>Notes now and then what there is, and purges what has ended before that.</summary>
    private async Task SampleAsync(HttpClient http, FunctionKeys keys, long begun, TimeSpan all)
    {
        var every = TimeSpan.FromSeconds(Math.Clamp(all.TotalSeconds / 120, 2, 30));
        var noted = all * 0.9;
        using var timer = new PeriodicTimer(every);
        for (var sample = TimeSpan.Zero; sample < all && await timer.WaitForNextTickAsync(stopping); sample = TimeSpan.FromMicroseconds(TimeToken.Now - begun))
        {
            tell($"{sample.TotalMinutes:0} of {all.TotalMinutes:0} minutes, {_finals.Count} answers");
            await PurgeAsync(http, keys, DateTimeOffset.UtcNow - (all / 60));
            var quarter = (int)((sample - (all - noted)) / (noted / 4));
            if (sample >= all - noted && quarter is 0 or 3)
            {
                await NoteAsync(quarter == 0 ? FirstQuarter : LastQuarter);
            }
        }
    }

    private async Task NoteAsync(string quarter)
    {
        var ids = stack.Ids();
        foreach (var process in Processes)
        {
            figures.Add(Name, quarter, $"memory, {process}", "MB", ProcessFigures.Megabytes(ids[process]));
        }

        foreach (var process in Processes[..2])
        {
            figures.Add(Name, quarter, $"managed heap, {process}", "MB", Gauge.Read(stack.GaugeFolder, ids[process], collects: false).Heap / 1e6);
            figures.Add(Name, quarter, $"handles, {process}", "", ProcessFigures.Handles(ids[process]));
            figures.Add(Name, quarter, $"threads, {process}", "", ProcessFigures.Threads(ids[process]));
        }

        var (keys, bytes) = await stores.RedisAsync();
        figures.Add(Name, quarter, "keys of Redis", "", keys);
        figures.Add(Name, quarter, "Redis by its own account", "MB", bytes / 1e6);
        figures.Add(Name, quarter, "Durable store", "MB", stores.DurableBytes / 1e6);
        figures.Add(Name, quarter, "messages that wait in the queue", "", await stack.WaitingAsync(stopping));
    }

    /// <summary>Through Durable's own management: the setting of the app's timer is in days.</summary>
    private async Task PurgeAsync(HttpClient http, FunctionKeys keys, DateTimeOffset before)
    {
        var address = FormattableString.Invariant(
            $"/runtime/webhooks/durabletask/instances?createdTimeFrom=2020-01-01T00:00:00Z&createdTimeTo={before.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}&runtimeStatus=Completed,Failed,Terminated&code={Uri.EscapeDataString(keys.SystemKey)}");
        using var answer = await http.DeleteAsync(new Uri(address, UriKind.Relative), stopping);
        _purged += Number().Match(await answer.Content.ReadAsStringAsync(stopping)) is { Success: true } number ? long.Parse(number.ValueSpan, CultureInfo.InvariantCulture) : 0;
    }

    /// <summary>When all has ended: the account of the messages, and what is left.</summary>
    private async Task EndAsync(HttpClient http, FunctionKeys keys, HashSet<string> before)
    {
        tell("ending");
        var kept = _asked.Where(one => one.Trouble is { IsKept: true }).Select(one => one.Asked.MessageId).ToHashSet();
        for (var waited = 0; waited < Patience.TotalSeconds && !kept.All(_letters.ContainsKey); waited++)
        {
            await Task.Delay(1000, stopping);
        }

        await PurgeAsync(http, keys, DateTimeOffset.UtcNow);
        Add("answers", _asked.Count);
        Add("instances that were purged by their time", _purged);
        foreach (var trouble in Troubles)
        {
            Add($"trouble: {trouble.Name}", _asked.Count(one => one.Trouble == trouble));
        }

        Add("messages without a final update", _asked.Count(one => !_finals.ContainsKey(one.Asked.MessageId)));
        Add("messages with more than one", _finals.Count(one => one.Value > 1));
        Add("messages that ended otherwise than they should", _asked.Count(one => one.Asked.Status is { } status && status != (one.Trouble?.Status ?? "completed")));
        Add("dead letters that are missing", kept.Count(messageId => !_letters.ContainsKey(messageId)));
        Add("dead letters that nobody expects", _letters.Count(letter => letter.Value > 1 || !kept.Contains(letter.Key)));
        Add("channels that were not deleted", _notDeleted);

        var ids = stack.Ids();
        foreach (var process in Processes[..2])
        {
            figures.Add(Account, "cosmo", $"managed heap at the end after collecting, {process}", "MB", Gauge.Read(stack.GaugeFolder, ids[process], collects: true).Heap / 1e6);
        }

        var after = await stores.KeysAsync();
        Add("keys of Redis before", before.Count);
        Add("keys of Redis after all channels were deleted", after.Count);
        foreach (var kind in after.Except(before).GroupBy(key => OneOfMany().Replace(key, "…")).OrderByDescending(kind => kind.Count()))
        {
            Console.WriteLine($"{Name}: {kind.Count()} keys more: {kind.Key}");
        }

        foreach (var (asked, trouble) in _asked.Where(one => one.Asked.Status is { } status && status != (one.Trouble?.Status ?? "completed")).Take(10))
        {
            Console.WriteLine($"{Name}: {asked.MessageId} ({trouble?.Name ?? "no trouble"}) ended as {asked.Status}.");
        }
    }

    private void Add(string what, double value) => figures.Add(Account, "cosmo", what, "", value);

    private static async Task ControlAsync(Uri address, string body)
    {
        using var http = new HttpClient();
        using var answer = await http.PutAsync(address, new StringContent(body, Encoding.UTF8, "application/json"));
        answer.EnsureSuccessStatusCode();
    }

    [GeneratedRegex(@"\d+")]
    private static partial Regex Number();

    /// <summary>What tells a key from others of its kind.</summary>
    [GeneratedRegex(@"soak-\d+-\d+|\bs\d+\b|[0-9a-f]{20,}|\d{8,}")]
    private static partial Regex OneOfMany();

    /// <param name="Name">What goes wrong.</param>
    /// <param name="Question">What is asked; nothing for a message that is none.</param>
    /// <param name="Fault">What the emulated model is told to do; null for nothing.</param>
    /// <param name="Status">The final update's.</param>
    /// <param name="IsKept">Whether the message becomes a dead letter.</param>
    private sealed record Trouble(string Name, string Question, string? Fault, string Status, bool IsKept);
}
