using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Cosmo.Local.Host;
using Spectre.Console;

namespace Cosmo.Local.Terminal;

/// <summary><c>dead-letters …</c>: messages that were not answered.</summary>
internal sealed class DeadLetterCommands(OperatorCommands operators)
{
    private const int LongestCell = 60;

    /// <summary>As many as Cosmo looks at.</summary>
    private const int MostLetters = 10_000;

    /// <summary>So much of an id is shown at least: <c>answer-</c> and eight digits.</summary>
    private const int ShownOfId = 15;

    public Command Create()
    {
        var bodies = new Option<bool>("--bodies") { Description = "With the messages themselves." };
        var ofCause = new Option<string?>("--cause") { Description = "Those with this cause alone." };
        var limit = CommonOptions.Number("--limit", "The newest, so many.", usual: 50, 1, MostLetters);
        var list = operators.Verb(
            "list", "The messages that were not answered, and why.", "cosmo dead-letters list --cause rate_limit --limit 10", [], async (parsed, session) =>
            {
                var named = parsed.GetValue(ofCause);
                var answer = await session.GetAsync(
                    FormattableString.Invariant($"dead-letters?limit={parsed.GetValue(limit)}&cause={Uri.EscapeDataString(named ?? "")}&body={(parsed.GetValue(bodies) ? "true" : "false")}"));
                return session.Show(answer, _ => Show(session.Console, answer, named));
            });
        list.Options.Add(bodies);
        list.Options.Add(ofCause);
        list.Options.Add(limit);

        var optional = new Argument<string?>("ID") { Description = "The dead letter's id, or how it begins.", Arity = ArgumentArity.ZeroOrOne };
        var cause = new Option<string?>("--cause") { Description = "All with this cause instead." };
        var all = new Option<bool>("--all") { Description = "All instead." };
        var rate = CommonOptions.Number("--rate", "Of several, so many a second at most.", usual: 5, 1, 100);
        var wait = new Option<bool>("--no-wait") { Description = "Return when it has begun." };
        var replay = operators.Verb(
            "replay", "Puts a dead letter, all of one cause or all back into the queue.", "cosmo dead-letters replay --cause rate_limit --rate 10", [optional], async (parsed, session) =>
            {
                if (parsed.GetValue(optional) is { } id)
                {
                    var answer = await session.PostAsync($"dead-letters/{RouteName.Write(Id(await FindAsync(session, id)))}/replay");
                    return session.Show(answer, _ => session.Console.Write(Tables.Fields(answer)));
                }

                var started = await session.PostAsync(
                    FormattableString.Invariant($"dead-letters/replay?cause={Uri.EscapeDataString(parsed.GetValue(cause) ?? "")}&rate={parsed.GetValue(rate)}"));
                return await ThreadCommands.FollowAsync(session, started, parsed.GetValue(wait));
            });
        replay.Options.Add(cause);
        replay.Options.Add(all);
        replay.Options.Add(rate);
        replay.Options.Add(wait);
        replay.Validators.Add(result =>
        {
            if (new[] { !string.IsNullOrEmpty(result.GetValue(optional)), !string.IsNullOrEmpty(result.GetValue(cause)), result.GetValue(all) }.Count(isNamed => isNamed) != 1)
            {
                result.AddError("Name one dead letter, or a cause with --cause, or say --all.");
            }
        });

        var one = new Argument<string>("ID") { Description = "The dead letter's id, or how it begins." };
        var delete = operators.Verb("delete", "Deletes a dead letter for good.", "cosmo dead-letters delete answer-3f2c9a1b", [one], async (parsed, session) =>
        {
            var letter = await FindAsync(session, parsed.GetValue(one)!);
            session.Confirm(
                $"The dead letter {Id(letter)} will be deleted; its message is lost: {Tables.Line(letter["message_id"])} of channel {Tables.Line(letter["channel"])}, {Tables.Line(letter["cause"])}.");
            return session.Show(
                await session.DeleteAsync($"dead-letters/{RouteName.Write(Id(letter))}?confirm=DELETE"), _ => session.Console.WriteLine("Deleted."));
        });
        return new Command("dead-letters", "Looks at messages that were not answered, replays and deletes them.") { list, replay, delete };
    }

    /// <summary>The letter that is named, or the only one whose id begins so.</summary>
    /// <exception cref="TerminalException">There is none, or there are several.</exception>
    private static async Task<JsonObject> FindAsync(TerminalSession session, string named)
    {
        var letters = Letters(await session.GetAsync("dead-letters"));
        var found = letters.Where(letter => Id(letter) == named).Take(1).ToList();
        if (found.Count == 0)
        {
            found = [.. letters.Where(letter => Id(letter).StartsWith(named, StringComparison.Ordinal)).DistinctBy(Id)];
        }

        return found.Count switch
        {
            1 => found[0],
            0 => throw new TerminalException(ExitCodes.NotFound, $"There is no dead letter whose id begins with '{named}'. Those that there are: cosmo dead-letters list"),
            _ => throw new TerminalException(ExitCodes.Failed, $"{found.Count} dead letters have an id that begins with '{named}'; give more of it."),
        };
    }

    /// <summary>Shows what <c>GET dead-letters</c> answers, of one cause or of all, within the width of the console.</summary>
    public static void Show(IAnsiConsole console, JsonObject answer, string? cause)
    {
        var letters = Letters(answer);
        if (letters.Count == 0)
        {
            console.WriteLine(cause is null ? "No dead letters" : $"No dead letters with the cause {cause}, of {Tables.Count(answer["count"])}");
            return;
        }

        // Ids are not broken, so that they can be copied; what else there is shares what is left of the line.
        var shown = ShortestOf(letters);
        var table = new Table { Border = TableBorder.Rounded, ShowRowSeparators = true };
        table.AddColumn(new TableColumn("id, failed at (UTC)").NoWrap());
        table.AddColumns("try", "channel, message", "cause, reason");
        if (letters.Exists(letter => letter.ContainsKey("body")))
        {
            table.AddColumn("body");
        }

        foreach (var letter in letters)
        {
            Text[] cells =
            [
                new($"{Cut(Id(letter), shown)}\n{Tables.Time(letter["failed_at"])}"),
                new(Tables.Line(letter["attempt"])),
                new($"{Short(letter["channel"])}\n{Short(letter["message_id"])}"),
                new($"{Short(letter["cause"])}\n{Short(letter["reason"])}"),
                new(letter.ContainsKey("body") ? Short(letter["body"]) : ""),
            ];
            table.AddRow(cells[..table.Columns.Count]);
        }

        console.Write(table);
        var (all, matching) = (answer["count"]!.GetValue<long>(), answer["matching"]!.GetValue<long>());
        console.WriteLine(string.Join(", ", new[]
        {
            letters.Count < matching ? $"the newest {Number(letters.Count)} of {Number(matching)} dead letters" : $"{Number(matching)} dead letters",
            cause is null ? "" : $"with the cause {cause}, of {Number(all)}",
            all > MostLetters ? $"of {Number(all)}; the {Number(MostLetters)} oldest were looked at" : "",
        }.Where(part => part.Length > 0)));
    }

    /// <summary>How much of each id tells it from all others.</summary>
    private static int ShortestOf(List<JsonObject> letters)
    {
        var ids = letters.Select(Id).Distinct().ToList();
        var length = ShownOfId;
        while (ids.Select(id => Cut(id, length)).Distinct().Count() < ids.Count)
        {
            length++;
        }

        return length;
    }

    private static List<JsonObject> Letters(JsonObject answer) => [.. answer["dead_letters"]!.AsArray().Select(letter => letter!.AsObject())];

    private static string Id(JsonObject letter) => letter["id"]!.GetValue<string>();

    private static string Cut(string id, int length) => id.Length <= length ? id : id[..length];

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string Short(JsonNode? value) => Tables.Line(value) is { Length: > LongestCell } text ? text[..LongestCell] + "…" : Tables.Line(value);
}
