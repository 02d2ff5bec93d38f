using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Cosmo.Local.Host;
using Spectre.Console;

namespace Cosmo.Local.Terminal;

/// <summary><c>stats</c>, <c>threads …</c> and <c>operations …</c>.</summary>
internal sealed class ThreadCommands(OperatorCommands operators)
{
    private const int MostDays = 36_500;
    private const int MostListed = 100_000;

    /// <summary>As many as a deployment gives at once.</summary>
    private const int PageSize = 500;

    /// <summary>How long an app may be away whose work is followed.</summary>
    private static readonly TimeSpan LongestAbsence = TimeSpan.FromMinutes(2);

    private static readonly string[] Visited = ["removed", "active", "failed", "replayed"];

    public IEnumerable<Command> Create()
    {
        yield return operators.Verb(
            "stats", "How many threads there are, how old and how busy.", "cosmo stats --json", [], async (_, session) =>
                session.Show(await session.GetAsync("threads/stats"), answer => ShowStatistics(session.Console, answer)));
        yield return Threads();
        yield return Operations();
    }

    private Command Threads()
    {
        var channel = new Argument<string>("CHANNEL") { Description = "The channel's name." };
        var days = new Argument<int>("DAYS") { Description = "Days since the last message, a positive whole number." };
        days.Validators.Add(result => CommonOptions.Bound(result, result.Tokens, "DAYS", 1, MostDays));
        var wait = new Option<bool>("--no-wait") { Description = "Return when it has begun." };
        var optional = new Argument<string?>("CHANNEL") { Description = "The channel's name.", Arity = ArgumentArity.ZeroOrOne };
        var clear = operators.Verb(
            "clear", "Deletes the thread of a channel, or with --all every thread, at OpenAI and in Redis.", "cosmo threads clear --all", [optional], ClearAsync);
        var all = new Option<bool>("--all") { Description = "Every thread; the assistant's id stays." };
        clear.Options.Add(all);
        clear.Options.Add(wait);
        clear.Validators.Add(result =>
        {
            if (result.GetValue(optional) is null != result.GetValue(all))
            {
                result.AddError("Name one channel, or say --all.");
            }
        });
        var clearOld = operators.Verb(
            "clear-old", "Deletes the threads whose last message is older.", "cosmo threads clear-old 90", [days],
            (parsed, session) => ClearManyAsync(session, $"olderThanDays={parsed.GetValue(days).ToString(CultureInfo.InvariantCulture)}", parsed.GetValue(wait)));
        clearOld.Options.Add(wait);
        var index = operators.Verb(
            "index", "Compares the index with all keys now, so that statistics count what the old worker wrote.", "cosmo threads index", [],
            async (parsed, session) => await FollowAsync(session, await session.PostAsync("threads/index"), parsed.GetValue(wait)));
        index.Options.Add(wait);
        return new Command("threads", "Looks at threads and deletes them.")
        {
            List(),
            operators.Verb("show", "The thread of a channel.", "cosmo threads show user_session_abc123", [channel], async (parsed, session) =>
                session.Show(await session.GetAsync(Address(parsed.GetValue(channel)!)), answer => session.Console.Write(Tables.Fields(answer)))),
            clear,
            clearOld,
            index,
        };

        Task<int> ClearAsync(ParseResult parsed, TerminalSession session) =>
            parsed.GetValue(optional) is { } name ? ClearOneAsync(session, name) : ClearManyAsync(session, "all=true", parsed.GetValue(wait));
    }

    private Command List()
    {
        var search = new Option<string?>("--search") { Description = "What the channel's name, or its thread's id, has in it.", HelpName = "TEXT" };
        var limit = CommonOptions.Number("--limit", "So many threads.", usual: 50, 1, MostListed);
        var list = operators.Verb("list", "Threads and their channels, the last active first.", "cosmo threads list --search user_session", [], async (parsed, session) =>
        {
            var (most, text) = (parsed.GetValue(limit), parsed.GetValue(search) ?? "");
            var (threads, next) = (new JsonArray(), "");
            do
            {
                // A page may have fewer than are asked for, or none, where many had to be looked at.
                var page = await session.GetAsync(FormattableString.Invariant(
                    $"threads?limit={Math.Min(PageSize, most - threads.Count)}&search={Uri.EscapeDataString(text)}&after={Uri.EscapeDataString(next)}"));
                foreach (var thread in page["threads"]!.AsArray())
                {
                    threads.Add(thread!.DeepClone());
                }

                next = page["next"]?.GetValue<string>() ?? "";
            }
            while (next.Length > 0 && threads.Count < most);

            return session.Show(new JsonObject { ["threads"] = threads, ["truncated"] = next.Length > 0 }, answer => ShowThreads(session.Console, answer, text));
        });
        list.Options.Add(search);
        list.Options.Add(limit);
        return list;
    }

    private static void ShowThreads(IAnsiConsole console, JsonObject answer, string search)
    {
        var threads = answer["threads"]!.AsArray();
        if (threads.Count == 0)
        {
            console.WriteLine(search.Length == 0 ? "There are no threads." : $"No channel and no thread has '{Tables.Line(search)}' in its name or id.");
            return;
        }

        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumns("channel", "messages");
        table.AddColumn(new TableColumn("last message (UTC)").NoWrap());
        table.AddColumn("thread");
        foreach (var thread in threads)
        {
            table.AddRow(
                Tables.Cell(thread!["channel"]), new Text(Tables.Count(thread["message_count"])), new Text(Tables.Time(thread["last_message_at"])), Tables.Cell(thread["thread_id"]));
        }

        console.Write(table);
        if (answer["truncated"]!.GetValue<bool>())
        {
            console.WriteLine($"The newest {threads.Count.ToString("N0", CultureInfo.InvariantCulture)}; --limit shows more.");
        }
    }

    private Command Operations()
    {
        var operation = new Argument<string>("OPERATION") { Description = "thread-deletion, thread-pruning, thread-indexing or dead-letter-replay." };
        return new Command("operations", "Follows and cancels long work.")
        {
            operators.Verb("watch", "Shows how far an operation has come, until it ends.", "cosmo operations watch thread-pruning", [operation],
                (parsed, session) => WatchAsync(session, Operation(parsed.GetValue(operation)!))),
            operators.Verb("cancel", "Ends an operation after what it is at.", "cosmo operations cancel thread-deletion", [operation], async (parsed, session) =>
                session.Show(await session.DeleteAsync(Operation(parsed.GetValue(operation)!)), _ => session.Console.WriteLine("It ends after what it is at."))),
        };
    }

    private static string Address(string channel) => $"threads/{RouteName.Write(channel)}";

    private static string Operation(string name) => $"operations/{Uri.EscapeDataString(name)}";

    private static string AndLetters(JsonNode found) => found["dead_letters"] is { } letters && letters.GetValue<int>() > 0 ? $", and {Tables.Count(letters)} dead letters" : "";

    private static async Task<int> ClearOneAsync(TerminalSession session, string channel)
    {
        var found = await session.DeleteAsync(Address(channel));
        session.Confirm($"The thread {Tables.Line(found["thread_id"])} of channel {Tables.Line(found["channel"])} will be deleted, at OpenAI too, and what is kept of its messages{AndLetters(found)}. What is being answered is cancelled.");
        return session.Show(await session.DeleteAsync($"{Address(channel)}?confirm=DELETE"), answer => session.Console.WriteLine(
            answer["answers_left"] is { } left && left.GetValue<int>() > 0 ? $"Deleted, but for {left} answers that are still under way; what is kept of them expires." : "Deleted."));
    }

    private static async Task<int> ClearManyAsync(TerminalSession session, string which, bool noWait)
    {
        var found = await session.DeleteAsync($"threads?{which}");
        var abandoned = found["abandoned"]?.GetValue<long>() is > 0 ? $", {Tables.Count(found["abandoned"])} of which no channel has any more" : "";
        session.Confirm($"{Tables.Count(found["would_delete"])} threads will be deleted, at OpenAI too{abandoned}{AndLetters(found)}.");
        return await FollowAsync(session, await session.DeleteAsync($"threads?{which}&confirm=DELETE"), noWait);
    }

    /// <summary>Shows how far what was started has come, until it ends.</summary>
    public static Task<int> FollowAsync(TerminalSession session, JsonObject started, bool noWait)
    {
        var name = started["operation"]!.GetValue<string>();
        return noWait
            ? Task.FromResult(session.Show(started, _ => session.Console.WriteLine($"It has begun. See: cosmo operations watch {name}")))
            : WatchAsync(session, Operation(name));
    }

    private static async Task<int> WatchAsync(TerminalSession session, string address)
    {
        var ended = session.IsJson || session.Console.Profile.Out.IsTerminal is false
            ? await UntilEndedAsync(session, address, _ => { })
            : await session.Console.Progress().StartAsync(progress =>
            {
                var task = progress.AddTask("begins", maxValue: 1);
                return UntilEndedAsync(session, address, answer => ShowProgress(task, answer["progress"] as JsonObject));
            });
        session.Show(ended, answer => session.Console.Write(Tables.Fields(Summary(answer))));
        return ended["status"]!.GetValue<string>() == "completed" ? ExitCodes.Done : ExitCodes.Failed;
    }

    /// <summary>Long work outlives the app's processes, so an app that is just not there is waited for.</summary>
    private static async Task<JsonObject> UntilEndedAsync(TerminalSession session, string address, Action<JsonObject> show)
    {
        var answer = await session.GetAsync(address);
        for (var heard = Stopwatch.GetTimestamp(); ;)
        {
            show(answer);
            if (answer["status"]!.GetValue<string>() is not ("pending" or "running"))
            {
                return answer;
            }

            await Task.Delay(TimeSpan.FromSeconds(0.5), session.CancellationToken);
            try
            {
                answer = await session.GetAsync(address);
                heard = Stopwatch.GetTimestamp();
            }
            catch (TerminalException e) when (e.ExitCode == ExitCodes.Unreachable && Stopwatch.GetElapsedTime(heard) < LongestAbsence)
            {
            }
        }
    }

    private static void ShowProgress(ProgressTask task, JsonObject? progress)
    {
        if (progress?["total"] is { } total)
        {
            task.Description = Markup.Escape(Tables.Line(progress["phase"]));
            var done = Visited.Sum(name => progress[name]?.GetValue<long>() ?? 0);
            task.MaxValue = Math.Max(1, Math.Max(done, total.GetValue<long>()));
            task.Value = done;
        }
        else
        {
            task.IsIndeterminate = true;
            task.Description = $"{Tables.Count(progress?["keys"])} keys";
        }
    }

    private static JsonObject Summary(JsonObject operation)
    {
        var summary = new JsonObject { ["operation"] = operation["operation"]?.DeepClone(), ["status"] = operation["status"]?.DeepClone() };
        foreach (var (name, value) in operation["progress"] as JsonObject ?? [])
        {
            // Once it has ended, the phase says what the status does.
            if (value is JsonValue && name != "phase")
            {
                summary[name] = value.DeepClone();
            }
        }

        summary["seconds"] = operation["seconds"]?.DeepClone();
        return summary;
    }

    private static void ShowStatistics(IAnsiConsole console, JsonObject answer)
    {
        var totals = Tables.New("", "");
        totals.HideHeaders();
        Row("threads", Tables.Count(answer["threads"]));
        Row("metadata entries", Tables.Count(answer["metadata_entries"]));
        Row("messages", Tables.Count(answer["total_messages"]));
        Row("messages a thread", Tables.Line(answer["average_messages"]));
        Row("oldest", Channel(answer["oldest"]));
        Row("newest", Channel(answer["newest"]));
        var bytes = answer["bytes"]!;
        Row("bytes", Tables.Count(bytes["total"]) + (bytes["is_sampled"]!.GetValue<bool>() ? $" (projected from {Tables.Count(bytes["channels"])} channels)" : ""));
        Row("to be deleted", $"{Tables.Count(answer["abandoned"])} threads that no channel has any more");
        if (answer["unreadable"] is { } unreadable && unreadable["count"]!.GetValue<long>() > 0)
        {
            Row("unreadable keys", Tables.Count(unreadable["count"]));
            foreach (var key in unreadable["keys"]!.AsArray())
            {
                Row("", Tables.Line(key));
            }
        }

        Row("keys compared (UTC)", answer["indexed_at"] is null ? "never" : Tables.Time(answer["indexed_at"]));
        console.Write(totals);

        var ages = Tables.New("days since the last message", "threads", "%");
        foreach (var group in answer["ages"]!.AsArray())
        {
            ages.AddRow(Tables.Cell(group!["days"]), new Text(Tables.Count(group["threads"])), Tables.Cell(group["share"]));
        }

        console.Write(ages);
        var most = Tables.New("most active channels", "messages");
        foreach (var channel in answer["most_active"]!.AsArray())
        {
            most.AddRow(Tables.Cell(channel!["channel"]), new Text(Tables.Count(channel["messages"])));
        }

        console.Write(most);

        void Row(string name, string value) => totals.AddRow(new Text(name), new Text(value));
        static string Channel(JsonNode? channel) => channel is null ? "-" : $"{Tables.Time(channel["last_message_at"])}  {Tables.Line(channel["channel"])}";
    }
}
