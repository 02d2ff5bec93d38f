using System.Text.Json;
using Cosmo.Local.Terminal;
using Cosmo.Local.Terminal.Testing;

namespace Cosmo.Functions.Tests.Local.Terminal;

public sealed class MutantsTests
{
    [Fact]
    public void Files_are_named_by_the_ends_of_their_paths_or_by_folders()
    {
        Find("TextPace.cs", "Delivery/TextPace.cs").ShouldBe(["Cosmo.Functions/Delivery/TextPace.cs"]);
        Find("Answering/Turns").ShouldContain("Cosmo.Functions/Answering/Turns/TurnQueue.cs");
        Find("Answering/Turns/").ShouldAllBe(file => file.StartsWith("Cosmo.Functions/Answering/Turns/"));
        Find().ShouldContain("Cosmo.Local/Durable/ReadyQueue.cs");

        Should.Throw<TerminalException>(() => Find("Pace.cs")).ExitCode.ShouldBe(3);
    }

    [Fact]
    public void A_file_is_held_against_the_quick_tests_of_its_room_or_against_those_that_are_named()
    {
        string[] files = ["Cosmo.Functions/Threads/ThreadKeys.cs", "Cosmo.Functions/Access/UserNames.cs", "Cosmo.Functions/Access/Subject.cs"];

        MutantsCommand.TestsOf(files, []).ShouldBe("(FullyQualifiedName~.Tests.Access.)|(FullyQualifiedName~.Tests.Threads.&FullyQualifiedName!~.RedisClusterTests)");
        MutantsCommand.TestsOf(files, ["UserNamesTests", "ThreadStoreTests"]).ShouldBe("FullyQualifiedName~UserNamesTests.|FullyQualifiedName~ThreadStoreTests.");
    }

    [Fact]
    public void What_no_test_has_noticed_is_told_with_its_place_and_its_change()
    {
        const string source = "if (a > b)\n{\n    Do();\n    End();\n}\n";
        var report = JsonSerializer.Serialize(new
        {
            files = new Dictionary<string, object>
            {
                ["/repository/Room/File.cs"] = new
                {
                    source,
                    mutants = new[]
                    {
                        Mutant("Survived", "a >= b", (1, 5), (1, 10)),
                        Mutant("NoCoverage", "{}", (2, 1), (5, 2)),
                        Mutant("Killed", ";", (3, 5), (3, 10)),
                        Mutant("Timeout", ";", (4, 5), (4, 11)),
                        Mutant("Ignored", "", (4, 5), (4, 11)),
                    },
                },
                ["/repository/Room/Other.cs"] = new { source = "", mutants = Array.Empty<object>() },
            },
        });

        MutantReport.Describe(report, "/repository").ShouldBe([
            "Room/File.cs: 4 mutants, 1 killed, 1 timed out, 1 survived, 1 where no test comes: 50.0 %",
            "  Room/File.cs:1 a > b → a >= b",
            "  Room/File.cs:2 (no test comes here) { Do(); End(); } → {}",
            "All: 4 mutants, 1 killed, 1 timed out, 1 survived, 1 where no test comes: 50.0 %",
        ]);
    }

    private static object Mutant(string status, string replacement, (int Line, int Column) start, (int Line, int Column) end)
    {
        var location = new { start = new { line = start.Line, column = start.Column }, end = new { line = end.Line, column = end.Column } };
        return new { status, replacement, location };
    }

    private static IReadOnlyList<string> Find(params string[] names) => MutantsCommand.Find(CosmoScript.Root, names);
}
