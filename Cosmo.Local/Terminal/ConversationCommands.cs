using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Cosmo.Local.Host;
using Spectre.Console;

namespace Cosmo.Local.Terminal;

/// <summary><c>channel</c>, <c>send</c> and <c>conversation</c>.</summary>
internal sealed class ConversationCommands(OperatorCommands operators)
{
    public IEnumerable<Command> Create()
    {
        yield return new Command("channel", "Makes channels, shows what was said in them, and says whose they are.")
        {
            operators.Verb("new", "A new channel, with its thread made.", "cosmo channel new", [], async (_, session) =>
                session.Show(await session.PostAsync("channels"), answer => Console.WriteLine(answer["channel"]))),
            Messages(),
            Owner(),
        };
        var channel = new Argument<string>("CHANNEL") { Description = "The channel's name." };
        var text = new Argument<string>("TEXT") { Description = "What to ask." };
        var replaces = new Option<string?>("--replaces") { Description = "An earlier message of the channel whose place it takes." };
        var profile = new Option<string?>("--profile") { Description = "The profile that answers; cosmo by default." };
        var send = operators.Verb(
            "send", "Sends a message into a channel, without RabbitMQ, and prints the answer as it streams.", "cosmo send demo \"What is the weather in Makati?\"",
            [channel, text], (parsed, session) => new AnswerPrinter(session).SendAsync(
                parsed.GetValue(channel)!, parsed.GetValue(text)!, parsed.GetValue(profile), parsed.GetValue(replaces)));
        send.Options.Add(profile);
        send.Options.Add(replaces);
        yield return send;
        yield return Conversation();
    }

    private Command Messages()
    {
        var channel = new Argument<string>("CHANNEL") { Description = "The channel's name." };
        var limit = CommonOptions.Number("--limit", "So many messages.", usual: 20, 1, 100);
        var command = operators.Verb(
            "messages", "What was said in a channel, oldest first.", "cosmo channel messages demo --limit 5", [channel], async (parsed, session) =>
            {
                var name = parsed.GetValue(channel)!;
                var answer = await session.GetAsync($"operator/channels/{RouteName.Write(name)}/messages?limit={parsed.GetValue(limit).ToString(CultureInfo.InvariantCulture)}");
                return answer["messages"]!.AsArray().Count > 0 || await session.HasThreadAsync(name)
                    ? session.Show(answer, _ => ShowMessages(session.Console, answer["messages"]!.AsArray()))
                    : throw new TerminalException(ExitCodes.NotFound, $"There is no channel '{Tables.Line(name)}', or nothing is kept of it any more. See: cosmo threads list");
            });
        command.Options.Add(limit);
        return command;
    }

    private static void ShowMessages(IAnsiConsole console, JsonArray messages)
    {
        if (messages.Count == 0)
        {
            console.WriteLine("Nothing was said here yet.");
            return;
        }

        var table = Tables.New("at (UTC)", "message", "who", "text", "status");
        foreach (var message in messages.Reverse())
        {
            table.AddRow(
                new Text(Tables.Time(message!["created_at"])), Tables.Cell(message["message_id"]), Tables.Cell(message["role"]), Tables.Cell(message["text"]),
                Tables.Cell(message["status"]));
        }

        console.Write(table);
    }

    private Command Owner()
    {
        var channel = new Argument<string>("CHANNEL") { Description = "The channel's name." };
        var user = new Argument<string>("USER_ID") { Description = "Who owns it from now on." };
        var issuer = new Option<string?>("--issuer") { Description = "Who says who the user is: backend, platform or the identity provider's address; by default that by which users sign in there." };
        var command = operators.Verb(
            "owner", "Makes a user the owner of a channel, whoever was.", "cosmo channel owner demo ana", [channel, user], async (parsed, session) =>
            {
                var named = new JsonObject { ["id"] = parsed.GetValue(user) };
                if (parsed.GetValue(issuer) is { } name)
                {
                    named["issuer"] = name;
                }

                var channelName = parsed.GetValue(channel)!;
                if (!await session.HasThreadAsync(channelName))
                {
                    // That is allowed, and may be a typing error.
                    await Console.Error.WriteLineAsync($"There is no channel '{Tables.Line(channelName)}' yet.");
                }

                return session.Show(
                    await session.PutAsync($"operator/channels/{RouteName.Write(channelName)}/owner", new JsonObject { ["user"] = named }),
                    answer => session.Console.Write(Tables.Fields(answer)));
            });
        command.Options.Add(issuer);
        return command;
    }

    private Command Conversation()
    {
        var message = new Argument<string>("MESSAGE_ID") { Description = "The message's id." };
        var channel = new Option<string?>("--channel") { Description = "Its channel; needed for a message of more than a day ago." };
        var command = operators.Verb(
            "conversation", "How the orchestration of a message stands.", "cosmo conversation msg-1", [message], async (parsed, session) =>
            {
                var address = $"conversations/{RouteName.Write(parsed.GetValue(message)!)}";
                if (parsed.GetValue(channel) is { } name)
                {
                    address += $"?channel={Uri.EscapeDataString(name)}";
                }

                return session.Show(await session.GetAsync(address), answer => session.Console.Write(Tables.Fields(Flat(answer))));
            });
        command.Options.Add(channel);
        return command;
    }

    /// <summary>The orchestration ends well also where the message had no answer: so its status is told as its own.</summary>
    private static JsonObject Flat(JsonObject answer)
    {
        var flat = new JsonObject();
        foreach (var (field, value) in answer)
        {
            var name = field == "status" ? "orchestration" : field;
            foreach (var (inner, one) in value as JsonObject ?? new JsonObject { [name] = value?.DeepClone() })
            {
                flat[inner] = one?.DeepClone();
            }
        }

        return flat;
    }
}
