using System.Runtime.CompilerServices;
using Google.Protobuf;
using Microsoft.Extensions.Configuration;
using P = Microsoft.DurableTask.Protobuf;

namespace Cosmo.Functions.Tests.Answering;

/// <summary>
/// What an earlier version of the app began, this one must be able to finish: the histories that it left are replayed on today's orchestrator, step by
/// step. They lie in a folder for each version of the orchestration, and are frozen when that is released; those of a version that is
/// not released yet are made anew by <c>COSMO_RECORD_HISTORIES=1 ./cosmo test HistoryTests</c>. What to do when one breaks: docs/operating.md.
/// </summary>
public sealed class HistoryTests
{
    private const string Extension = ".jsonl";

    public static TheoryData<string> Files => [.. Directory.GetFiles(Folder(), "*" + Extension, SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(Folder(), file)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public void Every_step_of_a_history_is_decided_as_it_was(string file)
    {
        var history = File.ReadLines(Path.Combine(Folder(), file)).Select(line => JsonParser.Default.Parse<P.HistoryEvent>(line)).ToList();
        var steps = history.Select((happened, at) => (happened, at)).Where(one => one.happened.OrchestratorStarted is not null).Select(one => one.at).ToList();
        steps.ShouldNotBeEmpty();
        foreach (var (begin, end) in steps.Zip(steps.Skip(1).Append(history.Count)))
        {
            // A step begins with its start and the one thing that happened; what it decided follows.
            var decided = new AnswerHarness().Decide(history[..begin], history[begin..(begin + 2)]);

            decided.Select(Describe).ShouldBe(
                history[(begin + 2)..end].Select(Describe).OfType<string>(), $"{file}, the step that begins with line {begin + 1}: {history[begin + 1].EventTypeCase}.");
        }
    }

    [Fact]
    public void Every_path_has_its_history()
    {
        var version = OrchestrationVersion();
        foreach (var (name, run) in AnswerPaths.All.Where(_ => Environment.GetEnvironmentVariable("COSMO_RECORD_HISTORIES") == "1"))
        {
            var answer = new AnswerHarness();
            run(answer);
            answer.End();
            Record(Path.Combine(version, name + Extension), answer.History);
        }

        Directory.GetFiles(Path.Combine(Folder(), version)).Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)
            .ShouldBe(AnswerPaths.All.Keys.Order(StringComparer.Ordinal));
    }

    /// <summary>A decision in words: its number, its kind, and whom or when it is about. Null for what is none.</summary>
    private static string? Describe(P.HistoryEvent happened) => happened switch
    {
        { TaskScheduled: { } task } => $"{happened.EventId}: {task.Name}",
        { TimerCreated: { } timer } => $"{happened.EventId}: timer until {timer.FireAt.ToDateTimeOffset():O}",
        { ExecutionCompleted: { } end } => $"{happened.EventId}: {end.OrchestrationStatus} {end.Result}{end.FailureDetails?.ErrorMessage}",
        { OrchestratorCompleted: not null } => null,
        _ => throw new NotSupportedException($"An answer decides no {happened.EventTypeCase}."),
    };

    private static void Record(string file, IEnumerable<P.HistoryEvent> history)
    {
        var lines = history.Select(happened => JsonFormatter.Default.Format(happened));
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(Folder(), file))!);
        File.WriteAllLines(Path.Combine(Folder(), file), lines);
    }

    /// <summary>The version under which this app begins orchestrations, as host.json has it.</summary>
    private static string OrchestrationVersion() => new ConfigurationBuilder()
        .AddJsonFile(Path.Combine(AppContext.BaseDirectory, "host.json")).Build()["extensions:durableTask:defaultVersion"]!;

    /// <summary>In the sources, beside this file.</summary>
    private static string Folder([CallerFilePath] string path = "") => Path.Combine(Path.GetDirectoryName(path)!, "Histories");
}
