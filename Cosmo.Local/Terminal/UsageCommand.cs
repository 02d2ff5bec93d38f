using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace Cosmo.Local.Terminal;

/// <summary><c>usage</c>: what was used, a bar for each row.</summary>
internal sealed class UsageCommand(OperatorCommands operators)
{
    private const int BarWidth = 30;
    private const int LongestKey = 40;

    public Command Create()
    {
        var days = CommonOptions.Number("--days", "So many days, today among them.", usual: 7, 1, 400);
        var by = new Option<string>("--by") { Description = "user, channel, profile or model.", DefaultValueFactory = _ => "user" };
        by.AcceptOnlyFromAmong("user", "channel", "profile", "model");
        var usage = operators.Verb(
            "usage", "Messages and tokens of the last days, most output first.", "cosmo usage --days 30 --by model", [], async (parsed, session) => session.Show(
                await session.GetAsync($"usage?days={parsed.GetValue(days).ToString(CultureInfo.InvariantCulture)}&by={parsed.GetValue(by)}"),
                answer => Show(session.Console, answer, parsed.GetValue(by)!)));
        usage.Options.Add(days);
        usage.Options.Add(by);
        return usage;
    }

    private static void Show(IAnsiConsole console, JsonObject answer, string by)
    {
        var rows = answer["rows"]!.AsArray();
        console.WriteLine($"From {Tables.Line(answer["from"])} to {Tables.Line(answer["to"])} (UTC).");
        if (rows.Count == 0)
        {
            console.WriteLine("Nothing was used.");
            return;
        }

        var most = Math.Max(1, rows.Max(row => row!["output_tokens"]!.GetValue<long>()));
        var table = Tables.New(by, "messages", "tokens in", "of them cached", "tokens out", "");
        foreach (var row in rows)
        {
            var key = row!["key"] is { } named ? Tables.Line(named) : "(none)";
            table.AddRow(
                new Text(key.Length > LongestKey ? key[..(LongestKey - 1)] + "…" : key),
                new Text(Tables.Count(row["messages"])),
                new Text(Tables.Count(row["input_tokens"])),
                new Text(Tables.Count(row["cached_input_tokens"])),
                new Text(Tables.Count(row["output_tokens"])),
                new Text(new string('█', (int)Math.Ceiling(BarWidth * (double)row["output_tokens"]!.GetValue<long>() / most))));
        }

        console.Write(table);
    }
}
