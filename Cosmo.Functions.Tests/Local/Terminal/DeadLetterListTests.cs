using System.Text.Json.Nodes;
using Cosmo.Local.Terminal;
using Spectre.Console;

namespace Cosmo.Functions.Tests.Local.Terminal;

/// <summary>The list of dead letters as a screen of 80 columns has it.</summary>
public sealed class DeadLetterListTests
{
    [Fact]
    public void An_id_stands_whole_enough_to_be_copied_on_a_line_of_80_columns()
    {
        var lines = Show(100, "answer-3f2c9a1b00000000000000000000000000000001", "answer-3f2c9a1b70000000000000000000000000000001");

        lines.ShouldAllBe(line => line.Length <= 80);
        lines.ShouldContain(line => line.Contains(" answer-3f2c9a1b0 "));
        lines.ShouldContain(line => line.Contains(" answer-3f2c9a1b7 "));
        lines[^1].ShouldBe("the newest 2 of 100 dead letters");
    }

    [Fact]
    public void More_of_an_id_is_not_shown_than_tells_it_from_the_others() => Show(1, "answer-3f2c9a1b00000000000000000000000000000001").ShouldContain(line => line.Contains(" answer-3f2c9a1b "));

    private static string[] Show(int matching, params string[] ids)
    {
        var output = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        console.Profile.Width = 80;
        DeadLetterCommands.Show(
            console,
            JsonNode.Parse(new JsonObject
            {
                ["count"] = 100,
                ["matching"] = matching,
                ["dead_letters"] = new JsonArray([.. ids.Select(id => new JsonObject
                {
                    ["id"] = id,
                    ["cause"] = "invalid_request",
                    ["reason"] = "The model's service refused the request as invalid. (status 400)",
                    ["failed_at"] = "2026-01-31T12:00:00+00:00",
                    ["attempt"] = 1,
                    ["channel"] = "a-channel-with-a-name-that-is-longer-than-a-column",
                    ["message_id"] = Guid.Empty.ToString(),
                })]),
            }.ToJsonString())!.AsObject(),
            cause: null);
        return [.. output.ToString().Split('\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0)];
    }
}
