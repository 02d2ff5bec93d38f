using System.CommandLine;
using System.Text.Json.Nodes;
using Cosmo.Local.Host;
using Spectre.Console;

namespace Cosmo.Local.Terminal;

/// <summary><c>dead-letters …</c>: messages that were not answered.</summary>
internal sealed class DeadLetterCommands(OperatorCommands operators)
{
    private const int LongestCell = 60;

    public Command Create()
    {
        var bodies = new Option<bool>("--bodies") { Description = "With the messages themselves." };
        var list = operators.Verb(
            "list", "The messages that were not answered, and why.", "cosmo dead-letters list --bodies --json", [], async (parsed, session) =>
                session.Show(await session.GetAsync(parsed.GetValue(bodies) ? "dead-letters?body=true" : "dead-letters"), answer => ShowList(session, answer)));
        list.Options.Add(bodies);

        var optional = new Argument<string?>("ID") { Description = "The dead letter's id.", Arity = ArgumentArity.ZeroOrOne };
        var cause = new Option<string?>("--cause") { Description = "All with this cause instead." };
        var replay = operators.Verb(
            "replay", "Puts a dead letter, or all of one cause, back into the queue.", "cosmo dead-letters replay --cause rate_limit", [optional],
            async (parsed, session) => session.Show(
                await session.PostAsync(parsed.GetValue(optional) is { } id
                    ? $"dead-letters/{RouteName.Write(id)}/replay"
                    : $"dead-letters/replay?cause={Uri.EscapeDataString(parsed.GetValue(cause)!)}"),
                answer => session.Console.Write(Tables.Fields(answer))));
        replay.Options.Add(cause);
        replay.Validators.Add(result =>
        {
            if (result.GetValue(optional) is null == result.GetValue(cause) is null)
            {
                result.AddError("Name one dead letter, or a cause with --cause.");
            }
        });

        var one = new Argument<string>("ID") { Description = "The dead letter's id." };
        var delete = operators.Verb("delete", "Deletes a dead letter for good.", "cosmo dead-letters delete 3f2c", [one], async (parsed, session) =>
        {
            var id = parsed.GetValue(one)!;
            session.Confirm($"The dead letter {id} will be deleted; its message is lost.");
            return session.Show(
                await session.DeleteAsync($"dead-letters/{RouteName.Write(id)}?confirm=DELETE"), _ => session.Console.WriteLine("Deleted."));
        });
        return new Command("dead-letters", "Looks at messages that were not answered, replays and deletes them.") { list, replay, delete };
    }

    private static void ShowList(TerminalSession session, JsonObject answer)
    {
        if (answer["dead_letters"]!.AsArray().Count == 0)
        {
            session.Console.WriteLine("No dead letters");
            return;
        }

        string[] columns = ["id", "cause", "failed_at", "attempt", "channel", "message_id", "reason", "body"];
        var letters = answer["dead_letters"]!.AsArray().Select(letter => letter!.AsObject()).ToList();
        var shown = columns.Where(column => letters.Exists(letter => letter.ContainsKey(column))).ToArray();
        var table = Tables.New(shown);
        foreach (var letter in letters)
        {
            table.AddRow([.. shown.Select(column => new Text(Short(Tables.Line(letter[column]))))]);
        }

        session.Console.Write(table);
        session.Console.WriteLine($"{Tables.Count(answer["count"])} dead letters");
    }

    private static string Short(string text) => text.Length <= LongestCell ? text : text[..LongestCell] + "…";
}
