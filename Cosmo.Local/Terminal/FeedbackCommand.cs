using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace Cosmo.Local.Terminal;

/// <summary><c>feedback</c>: what users think of answers.</summary>
internal sealed class FeedbackCommand(OperatorCommands operators)
{
    public Command Create()
    {
        var days = CommonOptions.Number("--days", "So many days.", usual: 30, 1, 90);
        var rating = new Option<string?>("--rating") { Description = "up or down alone." };
        rating.AcceptOnlyFromAmong("up", "down");
        var feedback = operators.Verb(
            "feedback", "What users think of answers, newest first.", "cosmo feedback --days 7 --rating down", [], async (parsed, session) => session.Show(
                await session.GetAsync($"feedback?days={parsed.GetValue(days).ToString(CultureInfo.InvariantCulture)}&rating={parsed.GetValue(rating)}"),
                answer => Show(session.Console, answer)));
        feedback.Options.Add(days);
        feedback.Options.Add(rating);
        return feedback;
    }

    private static void Show(IAnsiConsole console, JsonObject answer)
    {
        var rows = answer["feedback"]!.AsArray();
        if (rows.Count == 0)
        {
            console.WriteLine("There is no feedback.");
            return;
        }

        var table = Tables.New("at (UTC)", "rating", "channel", "message", "user", "comment");
        foreach (var row in rows)
        {
            table.AddRow(
                new Text(Tables.Time(row!["at"])), Tables.Cell(row["rating"]), Tables.Cell(row["channel"]), Tables.Cell(row["message_id"]), Tables.Cell(row["user"]), Tables.Cell(row["comment"]));
        }

        console.Write(table);
        if (answer["truncated"]!.GetValue<bool>())
        {
            console.WriteLine("There is more: ask for fewer days.");
        }
    }
}
