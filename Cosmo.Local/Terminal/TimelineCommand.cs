using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Cosmo.Local.Host;
using Spectre.Console;

namespace Cosmo.Local.Terminal;

/// <summary><c>answer</c>: one answer, told, with a bar for each of its steps.</summary>
internal sealed class TimelineCommand(OperatorCommands operators)
{
    private const int WidestBar = 40;
    private const int NarrowestBar = 8;
    private const int OtherColumns = 66;
    private const int LongestDetail = 24;

    public Command Create()
    {
        var channel = new Argument<string>("CHANNEL") { Description = "The channel's name." };
        var message = new Argument<string>("MESSAGE") { Description = "The message's id." };
        var attempt = new Option<int?>("--attempt") { Description = "Which replay, from 1. [default: the newest]", HelpName = "N" };
        var answer = operators.Verb(
            "answer", "One answer, told: what took how long, and why it ended as it did. As long as its history is kept.", "cosmo answer demo msg-1", [channel, message], async (parsed, session) =>
            {
                var query = parsed.GetValue(attempt) is { } number ? $"?attempt={number.ToString(CultureInfo.InvariantCulture)}" : "";
                return session.Show(
                    await session.GetAsync($"operator/channels/{RouteName.Write(parsed.GetValue(channel)!)}/messages/{RouteName.Write(parsed.GetValue(message)!)}/timeline{query}"),
                    answer => Show(session.Console, answer));
            });
        answer.Options.Add(attempt);
        return answer;
    }

    /// <summary>Draws what <c>GET …/timeline</c> answers.</summary>
    public static void Show(IAnsiConsole console, JsonObject answer)
    {
        var steps = answer["steps"]!.AsArray().Select(step => step!.AsObject()).ToList();
        var begun = At(answer["received_at"]) ?? steps.Select(step => At(step["began_at"])).FirstOrDefault();
        var facts = Tables.New("", "");
        facts.HideHeaders();
        Fact("attempt", Tables.Line(answer["attempt"]));
        Fact("received (UTC)", answer["received_at"] is { } received ? Precise(received) : NotKnown);
        Fact("turn", After(answer["turn_at"]));
        Fact("thread", answer["thread_id"] is { } thread ? Tables.Line(thread) : NotKnown);
        Fact("first text", After(answer["first_text_at"]));
        Fact("end told", After(answer["told_at"]));
        Fact("outcome", answer["outcome"] is { } outcome ? Tables.Line(outcome) : $"none yet ({Tables.Line(answer["status"])})");
        foreach (var (name, field) in new[] { ("cause", "cause"), ("reason", "reason") }.Where(fact => answer[fact.Item2] is not null))
        {
            Fact(name, Tables.Line(answer[field]));
        }

        console.Write(facts);
        if (begun is { } start && steps.Count > 0)
        {
            console.Write(Bars(steps, start, Math.Clamp(console.Profile.Width - OtherColumns, NarrowestBar, WidestBar)));
        }

        if (answer["updates"] is JsonArray updates)
        {
            var told = Tables.New("after s", "sequence", "update", "tool");
            foreach (var update in updates)
            {
                told.AddRow(new Text(Seconds(At(update!["at"]) - begun)), Tables.Cell(update["sequence"]), Tables.Cell(update["status"]), new Text(Tables.Line(update["tool"]?.ToString() ?? "")));
            }

            console.Write(told);
        }
        else
        {
            console.WriteLine("What its client was told is not known any more: that is kept for an hour.");
        }

        void Fact(string name, string value) => facts.AddRow(new Text(name), new Text(value));
        string After(JsonNode? time) => At(time) is { } at && begun is { } from ? $"after {Seconds(at - from)} s" : NotKnown;
    }

    private const string NotKnown = "not known";

    private static Table Bars(List<JsonObject> steps, DateTimeOffset begun, int width)
    {
        var end = steps.Max(step => At(step["ended_at"]) ?? At(step["began_at"]))!.Value;
        var whole = Math.Max(0.001, (end - begun).TotalSeconds);
        var table = Tables.New("step", "after s", "took s", "", "how");
        foreach (var step in steps)
        {
            var (from, to) = (At(step["began_at"])!.Value, At(step["ended_at"]));
            var first = Math.Clamp((int)((from - begun).TotalSeconds / whole * width), 0, width - 1);
            var last = to is { } ended ? Math.Clamp((int)Math.Ceiling((ended - begun).TotalSeconds / whole * width), first + 1, width) : width;
            table.AddRow(
                new Text(Name(step)),
                new Text(Seconds(from - begun)),
                new Text(step["seconds"] is { } seconds ? seconds.GetValue<double>().ToString("0.000", CultureInfo.InvariantCulture) : "-"),
                new Text(new string(' ', first) + new string(to is null ? '░' : '█', last - first)),
                new Text(How(step)));
        }

        return table;
    }

    private static string Name(JsonObject step) => step["kind"]!.GetValue<string>() switch
    {
        "round" => $"round {step["number"]!.GetValue<int>() + 1}",
        "tool" => "  " + Tables.Line(step["name"]),
        "approval" => "  asks: " + Tables.Line(step["name"]),
        "fail" => "tell the failure",
        "dead_letter" => "dead letter",
        var kind => kind,
    };

    private static string How(JsonObject step)
    {
        var state = step["state"]!.GetValue<string>();
        string[] parts =
        [
            state is "done" ? "" : state,
            Short(step["detail"] is { } detail ? Tables.Line(detail) : ""),
            step["tries"]!.GetValue<int>() is > 1 and var tries ? $"{tries} tries" : "",
            step["text_updates"] is { } texts && texts.GetValue<int>() > 0 ? $"{texts} texts" : "",
        ];
        return string.Join(", ", parts.Where(part => part.Length > 0));
    }

    private static string Short(string text) => text.Length <= LongestDetail ? text : text[..(LongestDetail - 1)] + "…";

    private static DateTimeOffset? At(JsonNode? time) => time?.GetValue<DateTimeOffset>();

    private static string Seconds(TimeSpan? time) => time is { } known ? known.TotalSeconds.ToString("0.000", CultureInfo.InvariantCulture) : "-";

    private static string Precise(JsonNode time) => time.GetValue<DateTimeOffset>().UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture);
}
