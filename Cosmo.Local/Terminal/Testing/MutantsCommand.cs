using System.CommandLine;
using System.Text.Json;
using Cosmo.Local.Host;
using Cosmo.Local.Terminal.Processes;

namespace Cosmo.Local.Terminal.Testing;

/// <summary>
/// The verb <c>mutants</c>: changes the code in one place after another, and tells which changes no test notices. It builds into a folder of its own, so that what
/// <c>test</c> runs is never a changed program.
/// </summary>
internal static class MutantsCommand
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    /// <summary>What may be changed, the tests that must notice, and those of them that take too long to be run for each change, or need Node.js: whatever their names contain.</summary>
    private static readonly (string Folder, string Tests, string[] Without)[] Rooms =
    [
        ("Cosmo.Functions/Access", "Access", []),
        ("Cosmo.Functions/Answering", "Answering", ["KilledWorkerTests"]),
        ("Cosmo.Functions/Delivery", "Delivery", ["A_member_of_a_group_gets_what_it_would_by_REST", "Many_at_once_are_all_confirmed"]),
        ("Cosmo.Functions/Messaging", "Messaging", ["Whatever_is_written_is_read_again"]),
        ("Cosmo.Functions/Threads", "Threads", ["RedisClusterTests"]),
        ("Cosmo.Local/Durable", "Local.Durable", ["CrashTests", "CrashPropertyTests"]),
    ];

    public static Command Create()
    {
        var files = new Argument<string[]>("FILE") { Description = "The end of a file's path, or a folder. [default: everything that may be changed]", Arity = ArgumentArity.ZeroOrMore };
        var tests = new Option<string[]>("--tests") { Description = "The test classes that have to notice, by the ends of their names. [default: those of the room]", HelpName = "NAMES", AllowMultipleArgumentsPerToken = true };
        var command = new Command(
            "mutants",
            "Changes the code in one place after another, runs the tests of that room that take seconds, and tells each change that none of them noticed (mutation testing, with Stryker.NET). "
            + "Some minutes pass before the first change, then a second or a few for each: a file takes some five minutes, everything takes hours.\n\n"
            + "Example:\n  cosmo mutants Delivery/TextPace.cs Access/RequestLimits.cs")
        {
            files, tests,
        };
        command.SetAction((parsed, _) => RunAsync(ProgramFiles.Root, parsed.GetValue(files) ?? [], parsed.GetValue(tests) ?? []));
        return command;
    }

    /// <summary>The files, relative to the repository, whose path ends so, or that stand in a folder of that name.</summary>
    /// <exception cref="TerminalException">There is none for one of the names.</exception>
    public static IReadOnlyList<string> Find(string root, IReadOnlyList<string> names)
    {
        var all = Rooms.SelectMany(room => Directory.GetFiles(Path.Combine(root, room.Folder), "*.cs", SearchOption.AllDirectories))
            .Select(path => '/' + Path.GetRelativePath(root, path)).Order(StringComparer.Ordinal).ToList();
        var found = names.Count == 0 ? all : names.SelectMany(name => all.FindAll(path => Matches(path, name)) is { Count: > 0 } files
            ? files
            : throw new TerminalException(ExitCodes.NotFound, $"No file of {string.Join(", ", Rooms.Select(room => room.Folder))} is called {name}."));
        return [.. found.Distinct().Select(path => path[1..])];

        static bool Matches(string path, string name) => path.EndsWith($"/{name}", StringComparison.Ordinal) || path.Contains($"/{name.Trim('/')}/", StringComparison.Ordinal);
    }

    /// <summary>Which tests have to notice changes of these files, in the words of <c>dotnet test --filter</c>.</summary>
    /// <param name="files">The files.</param>
    /// <param name="tests">The ends of the names of classes; none for the quick ones of the files' rooms.</param>
    public static string TestsOf(IReadOnlyList<string> files, IReadOnlyList<string> tests) => string.Join(
        '|',
        tests.Count > 0 ? tests.Select(name => $"FullyQualifiedName~{name}.") : Rooms.Where(room => files.Any(file => file.StartsWith($"{room.Folder}/", StringComparison.Ordinal)))
            .Select(room => string.Concat(room.Without.Select(name => $"&FullyQualifiedName!~.{name}").Prepend($"(FullyQualifiedName~.Tests.{room.Tests}.")) + ')'));

    private static async Task<int> RunAsync(string root, IReadOnlyList<string> names, IReadOnlyList<string> tests)
    {
        using var signals = new StopSignals();
        try
        {
            foreach (var project in Find(root, names).GroupBy(file => file[..file.IndexOf('/', StringComparison.Ordinal)]).ToList())
            {
                var reports = Path.Combine(root, ".cosmo", "mutants", project.Key, "reports");
                await RunStrykerAsync(root, project.Key, [.. project], tests, Path.GetDirectoryName(reports)!, signals.Token);
                foreach (var line in MutantReport.Describe(await File.ReadAllTextAsync(Path.Combine(reports, "mutation-report.json")), root))
                {
                    Console.WriteLine(line);
                }

                Console.WriteLine($"As a page: {Path.Combine(reports, "mutation-report.html")}");
            }

            return ExitCodes.Done;
        }
        catch (OperationCanceledException)
        {
            return signals.ExitCode is 0 ? 143 : signals.ExitCode;
        }
    }

    private static async Task RunStrykerAsync(string root, string project, IReadOnlyList<string> files, IReadOnlyList<string> tests, string report, CancellationToken stop)
    {
        var log = Path.Combine(root, ".cosmo", "logs", "mutants.log");
        if (await LongStep.RunAsync(new Launch("dotnet", "tool", "restore") { Folder = root }, log, stop) != 0)
        {
            throw LongStep.Explain(log, "Stryker.NET could not be fetched; is there a network?");
        }

        if (Directory.Exists(report))
        {
            Directory.Delete(report, recursive: true);
        }

        Directory.CreateDirectory(report);
        var options = new Dictionary<string, object>
        {
            ["project"] = $"{project}.csproj",
            ["configuration"] = "Release",
            ["test-runner"] = "mtp",

            // With more at once, this runner of Stryker's tells changes as unnoticed that were noticed.
            ["concurrency"] = 1,

            // Which tests come to which code it would ask of each test, for ten seconds and in vain; those that are asked take seconds together.
            ["coverage-analysis"] = "off",
            ["mutate"] = files.Select(file => $"**/{file[(project.Length + 1)..]}"),
            ["test-case-filter"] = TestsOf(files, tests),

            // What is logged, and the texts of exceptions, which are for developers alone.
            ["ignore-methods"] = (string[])["*logger.*", "*Exception.ctor"],
            ["reporters"] = (string[])["json", "html"],
        };
        var configuration = Path.Combine(report, "stryker.json");
        await File.WriteAllTextAsync(configuration, JsonSerializer.Serialize(new Dictionary<string, object> { ["stryker-config"] = options }), stop);
        var launch = new Launch("dotnet", "stryker", "--config-file", configuration, "--output", report, "--skip-version-check")
        {
            Folder = Path.Combine(root, "Cosmo.Functions.Tests"),
            Environment = new Dictionary<string, string?>
            {
                // MSBuild takes these for properties.
                ["ArtifactsPath"] = Path.Combine(root, ".cosmo", "mutants", "built"),
                ["RunAnalyzers"] = "false",

                // Changed code does what it likes with the servers.
                ["REDIS_URL"] = null,
                ["RABBITMQ_URL"] = null,
                ["COSMO_ROOT"] = null,
            },
        };
        using var stryker = ChildProcess.Start(launch, Console.WriteLine);
        stryker.Input.Close();
        await ((Task)stryker.Ended).WaitAsync(stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await stryker.EndAsync(Grace);
        stop.ThrowIfCancellationRequested();
        if (await stryker.Ended != 0)
        {
            throw new TerminalException(ExitCodes.Failed, "Stryker.NET has failed; what it said stands above.");
        }
    }
}
