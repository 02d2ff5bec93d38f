using System.CommandLine;
using System.Text.Json.Nodes;
using Cosmo.Local.Host;

namespace Cosmo.Local.Terminal;

/// <summary><c>channel new</c>, <c>send</c> and <c>conversation</c>.</summary>
internal sealed class ConversationCommands(OperatorCommands operators)
{
    public IEnumerable<Command> Create()
    {
        yield return new Command("channel", "Makes channels.")
        {
            operators.Verb("new", "A new channel, with its thread made.", "cosmo channel new", [], async (_, session) =>
                session.Show(await session.PostAsync("channels"), answer => Console.WriteLine(answer["channel"]))),
        };
        var channel = new Argument<string>("CHANNEL") { Description = "The channel's name." };
        var text = new Argument<string>("TEXT") { Description = "What to ask." };
        var replaces = new Option<string?>("--replaces") { Description = "An earlier message of the channel whose place it takes." };
        var send = operators.Verb(
            "send", "Sends a message into a channel, without RabbitMQ, and prints the answer as it streams.", "cosmo send demo \"What is the weather in Makati?\"",
            [channel, text], (parsed, session) => new AnswerPrinter(session).SendAsync(parsed.GetValue(channel)!, parsed.GetValue(text)!, parsed.GetValue(replaces)));
        send.Options.Add(replaces);
        yield return send;
        yield return Conversation();
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

    private static JsonObject Flat(JsonObject answer)
    {
        var flat = new JsonObject();
        foreach (var (name, value) in answer)
        {
            foreach (var (inner, field) in value as JsonObject ?? new JsonObject { [name] = value?.DeepClone() })
            {
                flat[inner] = field?.DeepClone();
            }
        }

        return flat;
    }
}
