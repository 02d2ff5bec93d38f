using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Receiving.AgUi;

/// <summary>What an AG-UI client sends to run the agent (<c>RunAgentInput</c>), as far as Cosmo makes use of it.</summary>
/// <param name="ThreadId">The channel.</param>
/// <param name="RunId">The message's id; of a run that decides on calls, another name for it.</param>
/// <param name="Question">The text of the last message of the user; null where there is none.</param>
/// <param name="Profile">Which profile is to answer, as a chat message's.</param>
/// <param name="Decisions">What was decided on calls that waited for it.</param>
/// <param name="Shown">What the client has already.</param>
internal sealed record RunInput(
    string ThreadId, string RunId, string? Question, string? Profile, IReadOnlyList<RunDecision> Decisions, ShownMessages Shown)
{
    private const int LongestReason = 2_000;

    /// <summary>False, with a sentence that names the field, for a body that is none. What Cosmo makes no use of is not looked at.</summary>
    public static bool TryRead(byte[] body, [NotNullWhen(true)] out RunInput? input, [NotNullWhen(false)] out string? fault)
    {
        input = null;
        if (!ForeignJson.TryRead(body, out var root, out _) || root.Kind != JsonValueKind.Object)
        {
            fault = "It must be a JSON object in UTF-8.";
            return false;
        }

        var fields = root.Pick("threadId", "runId", "messages", "forwardedProps", "resume");
        var (threadFault, runFault, decisionsFault) = (ReadId(fields, "threadId", out var threadId), ReadId(fields, "runId", out var runId), ReadDecisions(fields, out var decisions));
        var isConversation = fields.TryGetValue("messages", out var messages) && messages.Kind == JsonValueKind.Array;
        fault = threadFault ?? runFault ?? (isConversation ? decisionsFault : "Field 'messages' must be an array.");
        if (fault is not null)
        {
            return false;
        }

        var all = messages.Elements().ToList();
        var asked = all.FindLast(message => message["role"]?.Text == "user");
        var question = all.Exists(message => message["role"]?.Text == "user") ? TextOf(asked) : null;
        var profile = fields.TryGetValue("forwardedProps", out var props) && props["profile"] is { Kind: JsonValueKind.String } name ? name.Text ?? "" : null;
        input = new RunInput(threadId!, runId!, question, profile, decisions, ShownMessages.In(all));
        return true;
    }

    private static string? ReadId(IReadOnlyDictionary<string, ForeignJson> fields, string name, out string? value)
    {
        value = fields.TryGetValue(name, out var field) ? field.Text : null;
        return string.IsNullOrWhiteSpace(value) || value.Length > ChatMessageReader.MaxIdLength
            ? $"Field '{name}' must be a text of 1 to {ChatMessageReader.MaxIdLength} characters, not only white space."
            : null;
    }

    /// <summary>The text of a message: its content, or the parts of that which are texts.</summary>
    private static string TextOf(ForeignJson message) => message["content"] switch
    {
        { Kind: JsonValueKind.Array } parts => string.Join('\n', parts.Elements().Where(part => part["type"]?.Text == "text").Select(part => part["text"]?.Text).OfType<string>()),
        { } content => content.Text ?? "",
        null => "",
    };

    private static string? ReadDecisions(IReadOnlyDictionary<string, ForeignJson> fields, out List<RunDecision> decisions)
    {
        decisions = [];
        if (!fields.TryGetValue("resume", out var resume) || resume.Kind == JsonValueKind.Null)
        {
            return null;
        }

        var entries = resume.Elements().Select(ReadDecision).ToList();
        decisions = [.. entries.OfType<RunDecision>()];
        return resume.Kind == JsonValueKind.Array && decisions.Count == entries.Count
            ? null
            : "Field 'resume' must be an array of {\"interruptId\", \"status\": \"resolved\" | \"cancelled\", \"payload\"}; the payload of what is resolved is true or false, " +
                $"or an object with 'approved' that is, and maybe a 'reason' of at most {LongestReason} characters.";
    }

    private static RunDecision? ReadDecision(ForeignJson entry)
    {
        var payload = entry["payload"];
        var approved = (payload is { Kind: JsonValueKind.Object } answer ? answer["approved"] : payload)?.Kind;
        var reason = payload?["reason"] is { Kind: not JsonValueKind.Null } said ? said.Text : "";
        return (entry["interruptId"]?.Text, entry["status"]?.Text, approved) switch
        {
            (not { Length: > 0 and <= ChatMessageReader.MaxIdLength }, _, _) => null,
            ({ } callId, "cancelled", _) => new RunDecision(callId, false, null),
            ({ } callId, "resolved", JsonValueKind.True or JsonValueKind.False) when reason is { Length: <= LongestReason } =>
                new RunDecision(callId, approved == JsonValueKind.True, reason.Length > 0 ? reason : null),
            _ => null,
        };
    }
}

/// <summary>A person's word on a call that waited for it.</summary>
internal sealed record RunDecision(string CallId, bool Approved, string? Reason);

/// <summary>What of the conversation a client has, by which it is not told the same again: it would put it behind what is there.</summary>
/// <param name="Texts">The texts of assistants by the ids of their messages.</param>
/// <param name="Calls">The calls of tools.</param>
/// <param name="Answered">Those that have a result.</param>
internal sealed record ShownMessages(IReadOnlyDictionary<string, string> Texts, IReadOnlySet<string> Calls, IReadOnlySet<string> Answered)
{
    public static ShownMessages None { get; } = new(new Dictionary<string, string>(), new HashSet<string>(), new HashSet<string>());

    public static ShownMessages In(IReadOnlyList<ForeignJson> messages)
    {
        var texts = new Dictionary<string, string>();
        HashSet<string> calls = [], answered = [];
        foreach (var message in messages)
        {
            switch (message["role"]?.Text)
            {
                case "assistant":
                    if (message["id"]?.Text is { } id && message["content"]?.Text is { } text)
                    {
                        texts[id] = text;
                    }

                    calls.UnionWith((message["toolCalls"]?.Elements() ?? []).Select(call => call["id"]?.Text).OfType<string>());
                    break;
                case "tool" when message["toolCallId"]?.Text is { } callId:
                    answered.Add(callId);
                    break;
            }
        }

        return new ShownMessages(texts, calls, answered);
    }
}
