using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Cosmo.Functions.Tests.Administration.Deletion;
using Cosmo.Functions.Tests.Administration.Replaying;
using Cosmo.Functions.Tests.Answering;
using Cosmo.Functions.Tests.Threads.Index;
using Google.Protobuf;
using Microsoft.Extensions.Configuration;
using P = Microsoft.DurableTask.Protobuf;

namespace Cosmo.Functions.Tests.Orchestrations;

/// <summary>
/// What an earlier version of the app began, this one must be able to finish: the histories that it left are replayed on today's orchestrators, step by
/// step. They lie beside the tests of the orchestration in a folder for each of its versions, and are frozen when that is released: then its digest stands here. Those of a version that is
/// not released yet are made anew by <c>COSMO_RECORD_HISTORIES=1 ./cosmo test HistoryTests</c>. What to do when one breaks: docs/operating.md.
/// </summary>
public sealed class HistoryTests
{
    private const string Extension = ".jsonl";

    private static readonly Dictionary<string, Kept> All = new()
    {
        ["Answering"] = Kept.Of(() => new AnswerHarness(), AnswerPaths.All),
        ["Threads/Index"] = Kept.Of(() => new IndexingHarness(), IndexingHarness.Paths),
        ["Administration/Deletion"] = Kept.Of(() => new DeletionHarness(), DeletionHarness.Paths),
        ["Administration/Replaying"] = Kept.Of(() => new ReplayHarness(), ReplayHarness.Paths),
    };

    /// <summary>The versions of host.json that were released, each with the digest of all its histories: what lies in a Durable store is changed by nobody any more.</summary>
    private static readonly Dictionary<string, string> Released = new()
    {
        ["1.0"] = "90608dfa8524e9fd2fec2734f46933a3381d76ab00e203c8484268273d5136e4",
    };

    public static TheoryData<string> Versions => [.. Released.Keys];

    public static TheoryData<string> Rooms => [.. All.Keys];

    public static TheoryData<string, string> Files => [.. All.Keys.SelectMany(room => Directory.GetFiles(Folder(room), "*" + Extension, SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(Folder(room), file)).Order(StringComparer.Ordinal).Select(file => (room, file)))];

    [Theory]
    [MemberData(nameof(Files))]
    public void Every_step_of_a_history_is_decided_as_it_was(string room, string file)
    {
        var history = File.ReadLines(Path.Combine(Folder(room), file)).Select(line => JsonParser.Default.Parse<P.HistoryEvent>(line)).ToList();
        var steps = history.Select((happened, at) => (happened, at)).Where(one => one.happened.OrchestratorStarted is not null).Select(one => one.at).ToList();
        steps.ShouldNotBeEmpty();
        var past = 0;
        foreach (var (begin, end) in steps.Zip(steps.Skip(1).Append(history.Count)))
        {
            // A step begins with its start and the one thing that happened; what it decided follows. One that continues as new has nothing behind it.
            past = history[begin + 1].ExecutionStarted is null ? past : begin;
            var decided = All[room].Create().Decide(history[past..begin], history[begin..(begin + 2)]);

            decided.Select(Describe).ShouldBe(
                history[(begin + 2)..end].Select(Describe).OfType<string>(), $"{room}, {file}, the step that begins with line {begin + 1}: {history[begin + 1].EventTypeCase}.");
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void The_histories_of_a_released_version_stay_as_they_are(string version)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in All.Keys.Order(StringComparer.Ordinal).SelectMany(room => Directory.GetFiles(Path.Combine(Folder(room), version)).Order(StringComparer.Ordinal)))
        {
            digest.AppendData(Encoding.UTF8.GetBytes($"{Path.GetFileName(file)}\n{File.ReadAllText(file).ReplaceLineEndings("\n")}"));
        }

        Convert.ToHexStringLower(digest.GetHashAndReset()).ShouldBe(
            Released[version], $"Version {version} is released, and its histories are in users' stores. What to do when an orchestrator has to change: docs/operating.md.");
    }

    [Theory]
    [MemberData(nameof(Rooms))]
    public void Every_path_has_its_history(string room)
    {
        var folder = Path.Combine(Folder(room), OrchestrationVersion());
        var records = Environment.GetEnvironmentVariable("COSMO_RECORD_HISTORIES") == "1";
        (records && Released.ContainsKey(OrchestrationVersion())).ShouldBeFalse($"Version {OrchestrationVersion()} is released: give host.json the next one first.");
        foreach (var (name, record) in All[room].Paths.Where(_ => records))
        {
            Directory.CreateDirectory(folder);
            File.WriteAllLines(Path.Combine(folder, name + Extension), record().Select(happened => JsonFormatter.Default.Format(happened)));
        }

        Directory.GetFiles(folder).Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)
            .ShouldBe(All[room].Paths.Keys.Order(StringComparer.Ordinal));
    }

    /// <summary>A decision in words: its number, its kind, and whom or when it is about. Null for what is none.</summary>
    private static string? Describe(P.HistoryEvent happened) => happened switch
    {
        { TaskScheduled: { } task } => $"{happened.EventId}: {task.Name}",
        { SubOrchestrationInstanceCreated: { } child } => $"{happened.EventId}: {child.Name}",
        { TimerCreated: { } timer } => $"{happened.EventId}: timer until {timer.FireAt.ToDateTimeOffset():O}",
        { ExecutionCompleted: { } end } => $"{happened.EventId}: {end.OrchestrationStatus} {end.Result}{end.FailureDetails?.ErrorMessage}",
        { OrchestratorCompleted: not null } => null,
        _ => throw new NotSupportedException($"No orchestration decides {happened.EventTypeCase}."),
    };

    /// <summary>The version under which this app begins orchestrations, as host.json has it.</summary>
    private static string OrchestrationVersion() => new ConfigurationBuilder()
        .AddJsonFile(Path.Combine(AppContext.BaseDirectory, "host.json")).Build()["extensions:durableTask:defaultVersion"]!;

    /// <summary>In the sources, beside the tests of the orchestration.</summary>
    private static string Folder(string room, [CallerFilePath] string path = "") => Path.Combine(Path.GetDirectoryName(path)!, "..", room, "Histories");

    /// <summary>An orchestration whose histories are kept.</summary>
    /// <param name="Paths">Goes a way to its end, and returns what the Durable store had of it then.</param>
    private sealed record Kept(Func<OrchestrationHarness> Create, IReadOnlyDictionary<string, Func<IEnumerable<P.HistoryEvent>>> Paths)
    {
        public static Kept Of<THarness>(Func<THarness> create, IReadOnlyDictionary<string, Action<THarness>> paths)
            where THarness : OrchestrationHarness =>
            new(create, paths.ToDictionary(path => path.Key, path => new Func<IEnumerable<P.HistoryEvent>>(() =>
            {
                var harness = create();
                path.Value(harness);
                harness.RunToEnd();
                return harness.Histories;
            })));
    }
}
