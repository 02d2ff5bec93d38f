using System.Globalization;
using System.Text.Json.Nodes;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Receiving.AgUi;

/// <summary>
/// Makes the updates of one message the events of one AG-UI run, in the order that the protocol asks for: what was opened is closed before the end, no text is said twice. What
/// the protocol has no event for is a <c>CUSTOM</c> one.
/// </summary>
/// <param name="threadId">The channel.</param>
/// <param name="runId">The run.</param>
/// <param name="messageId">The message that it is about.</param>
/// <param name="shown">What the client has of its answer.</param>
internal sealed class RunEvents(string threadId, string runId, string messageId, ShownMessages shown)
{
    /// <summary>The run ended here though the answer may go on: the same run may be asked for again.</summary>
    public const string AskAgain = "ask_again";

    /// <summary>The answer has ended, and is no longer known here.</summary>
    public const string Ended = "ended";

    /// <summary>The thread has another owner by now.</summary>
    public const string NotYours = "not_yours";

    private readonly HashSet<string> _calls = [.. shown.Calls];
    private readonly HashSet<string> _answered = [.. shown.Answered];
    private readonly Dictionary<string, ToolCallUpdate> _awaiting = [];

    /// <summary>The messages of the answer that the client has, or is being told: an answer has another one after each round of tools.</summary>
    private int _part = CountParts(messageId, shown);

    private bool _isOpen;
    private bool _isPartOver = CountParts(messageId, shown) == 0;
    private string _said = string.Join(
        AssistantResponse.Paragraph, Enumerable.Range(1, CountParts(messageId, shown)).Select(part => shown.Texts[PartId(messageId, part)]));

    /// <summary>The run has had its last event.</summary>
    public bool IsOver { get; private set; }

    /// <summary>The calls that wait for a person.</summary>
    public IReadOnlyList<ToolCallUpdate> Awaiting => [.. _awaiting.Values];

    public IEnumerable<JsonObject> Begin() => [Event("RUN_STARTED", ("threadId", threadId), ("runId", runId), ("protocolVersion", "1.0"))];

    /// <summary>What an update means to the client.</summary>
    public IEnumerable<JsonObject> Take(UpdatePayload update) => update switch
    {
        { FinalMessage: true } => End(update),
        { IsText: true } => Say(update.Message, isWhole: false),
        { Tool: { } call } => Tell(call),
        _ => [Status(update)],
    };

    /// <summary>Ends the run because calls wait for a person.</summary>
    public IEnumerable<JsonObject> Interrupt(IEnumerable<ToolCallUpdate> calls) =>
        [.. Close(), Finish(new JsonObject { ["type"] = "interrupt", ["interrupts"] = new JsonArray([.. calls.Select(Describe)]) }, usage: null)];

    /// <summary>Ends the run, whatever becomes of the answer.</summary>
    public IEnumerable<JsonObject> Fail(string message, string code)
    {
        IsOver = true;
        return [.. Close(), Event("RUN_ERROR", ("message", message), ("code", code))];
    }

    private static int CountParts(string messageId, ShownMessages shown)
    {
        var count = 0;
        while (shown.Texts.ContainsKey(PartId(messageId, count + 1)))
        {
            count++;
        }

        return count;
    }

    private static string PartId(string messageId, int part) =>
        part == 1 ? $"{messageId}:answer" : string.Create(CultureInfo.InvariantCulture, $"{messageId}:answer:{part}");

    private List<JsonObject> End(UpdatePayload final)
    {
        var isText = final.Type == "response" || final.Status == Updates.CancelledStatus || final.AnsweredBy is not null;
        List<JsonObject> events = [.. isText ? Say(final.Message, isWhole: true) : [], .. Close()];
        if (final.Incomplete is not null || final.AnsweredBy is not null)
        {
            events.Add(Status(final));
        }

        var usage = final.Usage is { } used
            ? new JsonArray(new JsonObject
            {
                ["model"] = used.Model,
                ["inputTokens"] = used.InputTokens,
                ["outputTokens"] = used.OutputTokens,
                ["totalTokens"] = used.InputTokens + used.OutputTokens,
                ["cachedInputTokens"] = used.CachedInputTokens,
            })
            : null;
        if (isText)
        {
            events.Add(Finish(new JsonObject { ["type"] = final.Status == Updates.CancelledStatus ? "cancelled" : "success" }, usage));
        }
        else
        {
            IsOver = true;
            events.Add(Event(
                "RUN_ERROR", ("message", final.Message), ("code", final.Type), ("usage", usage),
                ("metadata", final.ErrorDetails is { } details ? new JsonObject { ["error_details"] = details } : null)));
        }

        return events;
    }

    /// <summary>What of the text the client has not.</summary>
    private List<JsonObject> Say(string text, bool isWhole)
    {
        var events = new List<JsonObject>();
        text = isWhole ? text : text[..UpdatePayload.EndOf(text)];
        if (_said.StartsWith(text, StringComparison.Ordinal))
        {
            return events;
        }

        if (!text.StartsWith(_said, StringComparison.Ordinal))
        {
            // A try after one that died says it in other words.
            events.AddRange(Close());
            events.Add(Event("CUSTOM", ("name", "cosmo.replaced"), ("value", new JsonObject { ["messageId"] = PartId(messageId, _part) })));
            (_said, _isPartOver) = ("", true);
        }

        var rest = text[_said.Length..];
        if (_isPartOver)
        {
            rest = _said.Length > 0 && rest.StartsWith(AssistantResponse.Paragraph, StringComparison.Ordinal) ? rest[AssistantResponse.Paragraph.Length..] : rest;
            if (rest.Length == 0)
            {
                return events;
            }

            (_part, _isPartOver) = (_part + 1, false);
        }

        if (!_isOpen)
        {
            _isOpen = true;
            events.Add(Event("TEXT_MESSAGE_START", ("messageId", PartId(messageId, _part)), ("role", "assistant")));
        }

        _said = text;
        events.Add(Event("TEXT_MESSAGE_CONTENT", ("messageId", PartId(messageId, _part)), ("delta", rest)));
        return events;
    }

    private List<JsonObject> Close()
    {
        if (!_isOpen)
        {
            return [];
        }

        _isOpen = false;
        return [Event("TEXT_MESSAGE_END", ("messageId", PartId(messageId, _part)))];
    }

    private List<JsonObject> Tell(ToolCallUpdate call)
    {
        var events = new List<JsonObject>();
        if (_calls.Add(call.CallId))
        {
            events.Add(Event("TOOL_CALL_START", ("toolCallId", call.CallId), ("toolCallName", call.Name)));
            if (call.Arguments is { } arguments)
            {
                events.Add(Event("TOOL_CALL_ARGS", ("toolCallId", call.CallId), ("delta", arguments.GetRawText())));
            }

            events.Add(Event("TOOL_CALL_END", ("toolCallId", call.CallId)));
        }

        _awaiting.Remove(call.CallId);
        if (call.State == ToolCallUpdate.AwaitingApproval)
        {
            _awaiting.Add(call.CallId, call);
        }
        else if (call.State != ToolCallUpdate.Running && _answered.Add(call.CallId))
        {
            var result = Of(("state", call.State), ("seconds", call.Seconds));
            events.Add(Event(
                "TOOL_CALL_RESULT", ("messageId", $"{call.CallId}:result"), ("toolCallId", call.CallId), ("content", result.ToJsonString(CosmoJson.Options)), ("role", "tool")));
        }

        if (events.Count > 0)
        {
            events.InsertRange(0, Close());
            _isPartOver = true;
        }

        return events;
    }

    private static JsonObject Status(UpdatePayload update) => Event("CUSTOM", ("name", "cosmo.status"), ("value", Of(
        ("status", update.Status), ("message", update.FinalMessage ? null : update.Message), ("profile", update.Profile), ("incomplete", update.Incomplete),
        ("answered_by", update.AnsweredBy))));

    private JsonObject Finish(JsonObject outcome, JsonArray? usage)
    {
        IsOver = true;
        return Event("RUN_FINISHED", ("threadId", threadId), ("runId", runId), ("outcome", outcome), ("usage", usage));
    }

    private static JsonObject Describe(ToolCallUpdate call) => Of(
        ("id", call.CallId),
        ("reason", "tool_call"),
        ("message", $"May {call.Name} be carried out?"),
        ("toolCallId", call.CallId),
        ("responseSchema", JsonNode.Parse("""
            { "type": "object", "properties": { "approved": { "type": "boolean" }, "reason": { "type": "string", "maxLength": 2000 } }, "required": ["approved"] }
            """)),
        ("expiresAt", call.ExpiresAt?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)));

    private static JsonObject Event(string type, params ReadOnlySpan<(string Name, JsonNode? Value)> fields) => Of([("type", type), .. fields]);

    /// <summary>The protocol has no nulls: what is one is left out.</summary>
    private static JsonObject Of(params ReadOnlySpan<(string Name, JsonNode? Value)> fields)
    {
        var made = new JsonObject();
        foreach (var (name, value) in fields)
        {
            if (value is not null)
            {
                made[name] = value;
            }
        }

        return made;
    }
}
