using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests.Proof;

/// <summary>What is to be broken, and for how long.</summary>
/// <param name="Seed">Decides everything that chance decides. With a folder of an earlier run of the same seed it goes on where that stopped.</param>
/// <param name="Minutes">How long, roughly: a round that has begun is ended.</param>
/// <param name="Faults">Names of faults, or how they begin; all where there are none.</param>
/// <param name="Channels">Conversations at once.</param>
/// <param name="Fleet">Instances of the app.</param>
/// <param name="Flood">Where it is not 0, nothing is broken: so many messages come in each channel, faster than they can be answered.</param>
/// <param name="Folder">Where histories and the account go.</param>
/// <param name="At">A system that runs already, of which nothing is broken; null to start one.</param>
internal sealed record TortureOptions(int Seed, double Minutes, IReadOnlyList<string> Faults, int Channels, Fleet Fleet, int Flood, string Folder, RunningSystemAddress? At = null)
{
    public IReadOnlyList<Fault> Chosen =>
    [
        .. Fault.All.Where(fault => (fault.OnlyIn ?? Fleet) == Fleet
            && (Faults.Count == 0 || Faults.Any(name => fault.Name == name || fault.Name.StartsWith(name + '-', StringComparison.Ordinal)))),
    ];
}

/// <summary>What one round brought.</summary>
internal sealed record TortureRound(int Number, double Seconds, int Messages, IReadOnlyDictionary<string, int> Ends, IReadOnlyList<FaultCount> Faults, IReadOnlyDictionary<string, int> Looked, IReadOnlyDictionary<string, int> Excused, IReadOnlyList<Violation> Violations, int Restarts)
{
    /// <summary>Of a flood: what its processes held.</summary>
    public IReadOnlyList<MemoryUse> Memory { get; init; } = [];

    /// <summary>Messages that became dead letters, by their cause.</summary>
    public IReadOnlyDictionary<string, int> Causes { get; init; } = new Dictionary<string, int>();
}

/// <param name="Name">The fault.</param>
/// <param name="Times">How often.</param>
/// <param name="Hits">What it hit.</param>
/// <param name="Seconds">How long all of them took.</param>
internal sealed record FaultCount(string Name, int Times, int Hits, double Seconds);

/// <summary>Breaks what can be broken under load, round by round, and has each round's history checked.</summary>
internal sealed class Torture(TortureOptions options, Action<string> tell)
{
    private static readonly TimeSpan RoundLength = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    /// <summary>Messages a second that come in a flood: twice what two cores answer.</summary>
    private const int FloodPerSecond = 600;

    /// <summary>So many rows <c>GET usage</c> gives at most.</summary>
    private const int MostUsage = 1000;

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = false };

    private int _written;

    private string Account => Path.Combine(options.Folder, string.Create(CultureInfo.InvariantCulture, $"torture-{options.Seed}.jsonl"));

    /// <summary>Runs, and returns all rounds of this seed, also those of earlier runs.</summary>
    public async Task<IReadOnlyList<TortureRound>> RunAsync(CancellationToken stopping)
    {
        Directory.CreateDirectory(options.Folder);
        var rounds = File.Exists(Account) ? (await File.ReadAllLinesAsync(Account, stopping)).Select(line => JsonSerializer.Deserialize<TortureRound>(line, Json)!).ToList() : [];
        var all = TimeSpan.FromMinutes(options.Minutes);
        if (options.Chosen.Count == 0)
        {
            throw new ArgumentException($"There is no fault {string.Join(", ", options.Faults)} for this. There are: {string.Join(", ", Fault.All.Select(fault => fault.Name))}.");
        }

        await using SystemUnderTest system = options.At is { } at ? new RunningSystem(at) : await TortureStack.StartAsync(options.Fleet, options.Flood > 0, stopping);
        var begun = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(begun) is var passed && (options.Flood == 0 ? passed < all : passed == TimeSpan.Zero || rounds.Count == 0))
        {
            var length = all - passed < RoundLength ? all - passed : RoundLength;
            var round = await RunRoundAsync(system, rounds.Count, rounds.Sum(done => done.Faults.Sum(fault => fault.Times)), length, stopping);
            rounds.Add(round);
            await File.AppendAllTextAsync(Account, JsonSerializer.Serialize(round, Json) + "\n", stopping);
            tell($"round {round.Number}: {round.Messages} messages ({string.Join(", ", round.Ends.Select(end => $"{end.Value} {end.Key}"))}){string.Concat(round.Faults.Select(fault => $", {fault.Name} {fault.Hits}"))}; {round.Violations.Count} violations");
            foreach (var violation in round.Violations.Take(20))
            {
                tell($"  {violation.Rule}: {violation.What}");
            }
        }

        var report = Describe(rounds);
        await File.WriteAllTextAsync(Path.ChangeExtension(Account, ".md"), report, stopping);
        tell(report);
        return rounds;
    }

    /// <summary>All rounds of a seed as tables.</summary>
    private static string Describe(List<TortureRound> rounds)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{rounds.Count} rounds, {rounds.Sum(round => round.Seconds) / 60:0.0} minutes, {rounds.Sum(round => round.Messages)} messages:");
        text.AppendLine(Sum(rounds.SelectMany(round => round.Ends)));
        text.AppendLine(CultureInfo.InvariantCulture, $"Dead letters: {Sum(rounds.SelectMany(round => round.Causes))}").AppendLine();
        var faults = rounds.SelectMany(round => round.Faults).GroupBy(fault => fault.Name).OrderBy(fault => fault.Key, StringComparer.Ordinal).ToList();
        if (faults.Count > 0)
        {
            text.AppendLine("| fault | times | seconds | hits |").AppendLine("| --- | ---: | ---: | ---: |");
        }

        foreach (var fault in faults)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"| {fault.Key} | {fault.Sum(one => one.Times)} | {fault.Sum(one => one.Seconds):0} | {fault.Sum(one => one.Hits)} |");
        }

        foreach (var use in rounds.SelectMany(round => round.Memory))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{use.Process}: {use.Before:0} MB before, at most {use.First:0} MB with a quarter of the messages, {use.Most:0} MB with all.");
        }

        text.AppendLine().AppendLine("| promise | looked at | excused by a loss | broken |").AppendLine("| --- | ---: | ---: | ---: |");
        foreach (var rule in HistoryChecker.Rules)
        {
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"| {rule} | {rounds.Sum(round => round.Looked[rule])} | {rounds.Sum(round => round.Excused[rule])} | {rounds.Sum(round => round.Violations.Count(violation => violation.Rule == rule))} |");
        }

        return text.ToString();
    }

    private static string Sum(IEnumerable<KeyValuePair<string, int>> counts) => string.Join(", ", counts.GroupBy(count => count.Key).Select(count => $"{count.Sum(one => one.Value)} {count.Key}"));

    private async Task<TortureRound> RunRoundAsync(SystemUnderTest system, int number, int broken, TimeSpan length, CancellationToken stopping)
    {
        var random = new Random(unchecked((options.Seed * 7919) + number));
        var recorder = new HistoryRecorder();
        var begun = TimeProvider.System.GetTimestamp();
        await using var load = new TortureLoad(system, recorder);
        await load.OpenAsync(string.Create(CultureInfo.InvariantCulture, $"{(options.At is null ? "t" : "cosmo-check-")}{options.Seed}-{number}"), options.Channels, comesAndGoes: options.Flood == 0, stopping);
        using var until = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        IReadOnlyList<FaultCount> counts = [];
        await using var memory = options.Flood > 0 ? new MemoryWatch(((TortureStack)system).AllProcesses) : null;
        if (options.Flood > 0)
        {
            // First what can all be answered in the end, then more at once in a channel than may wait there, and more of a user than a minute has room for.
            var first = options.Flood / 4;
            await load.FloodAsync(first, inARow: 25, sideBySide: 20, FloodPerSecond, stopping);
            memory!.NoteFirst();
            await load.FloodAsync(options.Flood - first, inARow: options.Flood, sideBySide: 3, FloodPerSecond, stopping);
        }
        else
        {
            until.CancelAfter(length);
            var asking = load.RunAsync(random, until.Token, stopping);
            counts = system is TortureStack stack ? await BreakAsync(stack, recorder, random, number, broken, until.Token, stopping) : [];
            await asking;
        }

        if (!await load.EndAsync(Patience, stopping))
        {
            tell("Not everything has ended; the checker says what.");
        }

        await load.CatchUpAsync(stopping);
        await LookAtServicesAsync(system, recorder, stopping);
        var history = recorder.Events;
        var verdict = HistoryChecker.Check(history);
        if (verdict.Violations.Count > 0)
        {
            await WriteAsync(number, history, (system as TortureStack)?.Output, stopping);
        }

        return new TortureRound(
            number, TimeProvider.System.GetElapsedTime(begun).TotalSeconds, history.OfType<Accepted>().Count(), Ends(history), counts, verdict.Looked, verdict.Excused, verdict.Violations,
            (system as TortureStack)?.Restarts ?? 0)
        {
            Memory = memory?.Uses ?? [],
            Causes = history.OfType<Letter>().GroupBy(letter => letter.Cause).ToDictionary(letters => letters.Key, letters => letters.Count()),
        };
    }

    /// <summary>One fault after the other, over all rounds each as often as the others, in an order that chance decides.</summary>
    private async Task<IReadOnlyList<FaultCount>> BreakAsync(TortureStack stack, HistoryRecorder recorder, Random random, int round, int broken, CancellationToken until, CancellationToken stopping)
    {
        var counts = new Dictionary<string, FaultCount>();
        var chosen = options.Chosen;
        for (var number = 0; !until.IsCancellationRequested; number++)
        {
            await Task.Delay(random.Next(300, 2500), stopping);
            if (until.IsCancellationRequested)
            {
                break;
            }

            var (cycle, place) = Math.DivRem(broken + number, chosen.Count);
            var order = new Random(unchecked((options.Seed * 31) + cycle));
            var fault = chosen.OrderBy(_ => order.Next()).ElementAt(place);
            var begun = TimeProvider.System.GetTimestamp();
            recorder.Add(new FaultBegan(HistoryRecorder.Now, (round * 1000) + number, fault.Name, fault.Loses));
            var hits = await fault.RunAsync(stack, random, stopping);
            recorder.Add(new FaultEnded(HistoryRecorder.Now, (round * 1000) + number, hits));
            var before = counts.GetValueOrDefault(fault.Name, new FaultCount(fault.Name, 0, 0, 0));
            counts[fault.Name] = new FaultCount(fault.Name, before.Times + 1, before.Hits + hits, before.Seconds + TimeProvider.System.GetElapsedTime(begun).TotalSeconds);
        }

        return [.. counts.Values];
    }

    /// <summary>What the services hold when all is over: dead letters, conversations, usage.</summary>
    private static async Task LookAtServicesAsync(SystemUnderTest system, HistoryRecorder recorder, CancellationToken stopping)
    {
        var failed = recorder.Events.OfType<Told>().Where(told => told is { IsFinal: true, Status: "error", MessageId: not null }).Select(told => told.MessageId!).ToHashSet();
        var published = recorder.Events.OfType<Publishing>().ToList();
        var messageIds = published.Select(one => one.MessageId).ToHashSet();
        IReadOnlyCollection<string> channels = [.. published.Select(one => one.Channel).Distinct()];
        var noted = new HashSet<(string MessageId, string Cause)>();
        for (var waited = 0; waited < 60; waited++)
        {
            foreach (var letter in await system.LettersAsync(messageIds, stopping))
            {
                failed.Remove(letter.MessageId);
                if (noted.Add((letter.MessageId, letter.Cause)))
                {
                    recorder.Add(letter);
                }
            }

            if (failed.Count == 0)
            {
                break;
            }

            await Task.Delay(TimeSpan.FromSeconds(1), stopping);
        }

        foreach (var thread in recorder.Events.OfType<Told>().Where(told => told.ThreadId is not null).Select(told => (told.Group, told.ThreadId)).Distinct().ToList())
        {
            if (await system.ItemsAsync(thread.ThreadId!) is { } items)
            {
                recorder.Add(new Conversation(HistoryRecorder.Now, thread.Group, thread.ThreadId!, [.. items.Select(ReadItem).OfType<ConversationItem>()]));
            }
        }

        var usage = await system.UsageAsync(stopping);
        foreach (var channel in channels)
        {
            // A channel that is not among the thousand is not known.
            var row = usage.GetValueOrDefault(channel);
            if (row is not null || usage.Count < MostUsage)
            {
                recorder.Add(new Counted(HistoryRecorder.Now, channel, row?["messages"]!.GetValue<long>() ?? 0, row?["output_tokens"]!.GetValue<long>() ?? 0));
            }
        }

        await system.ForgetAsync(channels, stopping);
    }

    private static ConversationItem? ReadItem(JsonNode item) => item["type"]!.GetValue<string>() switch
    {
        "message" => new ConversationItem(item["role"]!.GetValue<string>(), item["content"]![0]!["text"]!.GetValue<string>(), null),
        "function_call" => new ConversationItem("call", null, item["call_id"]!.GetValue<string>()),
        "function_call_output" => new ConversationItem("output", null, item["call_id"]!.GetValue<string>()),
        _ => null,
    };

    private static Dictionary<string, int> Ends(IReadOnlyList<HistoryEvent> history) => history.OfType<Told>()
        .Where(told => told is { IsFinal: true, MessageId: not null }).DistinctBy(told => (told.Group, told.MessageId)).GroupBy(told => told.Status).ToDictionary(group => group.Key, group => group.Count());

    /// <param name="output">All that the app has written since its start, of which what is new is kept.</param>
    private async Task WriteAsync(int number, IReadOnlyList<HistoryEvent> history, string? output, CancellationToken stopping)
    {
        var path = Path.Combine(options.Folder, string.Create(CultureInfo.InvariantCulture, $"torture-{options.Seed}-{number}"));
        await File.WriteAllLinesAsync(path + ".history.jsonl", history.Select(one => JsonSerializer.Serialize(one, HistoryEvent.Json)), stopping);
        if (output is not null)
        {
            await File.WriteAllTextAsync(path + ".log", output[_written..], stopping);
            _written = output.Length;
        }
    }
}
