using System.ClientModel.Primitives;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;

namespace Cosmo.Functions.Assistants.Responses;

/// <summary>
/// Reads one response up to the event that ends it. The events are read here and not by the OpenAI package, which is as strict as OpenAI's own service is,
/// and throws for what a gateway before a model may send.
/// </summary>
internal sealed class ResponseReader(IAssistantObserver observer, TimeProvider clock)
{
    private readonly List<StreamedItem> _items = [];
    private readonly StringBuilder _heard = new();
    private readonly long _begun = clock.GetTimestamp();
    private StreamedItem? _speaking;
    private double _lastSequence;
    private bool _isUnreadable;

    /// <summary>The response's id, once it is known.</summary>
    public string? ResponseId { get; private set; }

    /// <summary>The number of the last event that was read; 0 where they have none.</summary>
    public int Position => (int)_lastSequence;

    /// <summary>From its making to the first event of a stream; null before that.</summary>
    public TimeSpan? FirstEventAfter { get; private set; }

    /// <summary>The text that the observer was given.</summary>
    public string Text => _heard.ToString();

    /// <summary>The output as far as it came.</summary>
    public IReadOnlyList<ConversationItem> Items => [.. _items.Select(item => item.Known)];

    /// <summary>The output, if every item of it came whole; else nothing.</summary>
    public IReadOnlyList<ConversationItem> Whole => _items.TrueForAll(item => item.IsWhole) ? Items : [];

    /// <summary>The response, or why it did not come to its end.</summary>
    /// <exception cref="OperationCanceledException">The service said nothing for too long, or the reading was cancelled.</exception>
    public async Task<(ModelResponse? Response, Fault? Fault)> ReadAsync(PipelineResponse answer, SilenceLimit silence)
    {
        var cancellationToken = silence.Token;
        await using var body = silence.Watch(answer.ContentStream ?? Stream.Null);
        if (answer.Headers.TryGetValue("Content-Type", out var type) && type?.Contains("json", StringComparison.OrdinalIgnoreCase) == true)
        {
            using var whole = new MemoryStream();
            await body.CopyToAsync(whole, cancellationToken);
            return ReadWhole(ServiceJson.Parse(whole.ToArray()), answer.Headers);
        }

        var events = SseParser.Create(body, (name, data) => (Name: name, Json: ServiceJson.Parse(data), IsEmpty: data.IsEmpty || data.SequenceEqual("[DONE]"u8)));
        await foreach (var one in events.EnumerateAsync(cancellationToken))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (name, json, isEmpty) = one.Data;
            if (json is null)
            {
                // To leave now would have the service break off the response, which may list all of its output in the end.
                _isUnreadable |= !isEmpty;
            }
            else if (await HearAsync(name, json, answer.Headers) is { } end)
            {
                return end;
            }
        }

        return (null, _isUnreadable ? Fault.Unreadable : Fault.Cut);
    }

    /// <summary>A gateway may give in one piece what it was to stream.</summary>
    private (ModelResponse? Response, Fault? Fault) ReadWhole(JsonElement? response, PipelineResponseHeaders headers)
    {
        observer.EventReceived();
        return response.Text("status") is null && response.Member("error") is null
            ? (null, Fault.Unreadable)
            : End(response, response.Text("status") ?? "failed", headers);
    }

    private async Task<(ModelResponse? Response, Fault? Fault)?> HearAsync(string name, JsonElement? json, PipelineResponseHeaders headers)
    {
        if (IsRepeated(json))
        {
            return null;
        }

        FirstEventAfter ??= clock.GetElapsedTime(_begun);
        observer.EventReceived();
        var response = json.Member("response");
        switch (json.Text("type") ?? (json.Member("error") is null ? name : "error"))
        {
            // A second response in one stream means that something between has asked again by itself.
            case "response.created" when response.Text("id") is { Length: > 0 } id && ResponseId is not null && ResponseId != id:
                return (null, Fault.Cut);
            case "response.created" or "response.queued" or "response.in_progress" when response.Text("id") is { Length: > 0 } id && ResponseId is null:
                await observer.ResponseCreatedAsync(id);
                ResponseId = id;
                break;
            case "response.output_item.added" when json.Member("item") is { } added:
                Add(ConversationItem.Read(added), json.Number("output_index"));
                break;
            case "response.output_text.delta" or "response.refusal.delta" when json.Member("delta") is { ValueKind: JsonValueKind.String } text:
                var message = Find(json, ConversationItem.Message);
                Say(message, message.Add(text));
                break;
            case "response.function_call_arguments.delta" when json.Member("delta") is { ValueKind: JsonValueKind.String } piece:
                Find(json, ConversationItem.FunctionCall).Add(piece);
                break;
            case "response.function_call_arguments.done" when json.Text("arguments") is { } arguments:
                Find(json, ConversationItem.FunctionCall).Replace(arguments);
                break;
            case "response.output_item.done" when json.Member("item") is { } done:
                Finish(ConversationItem.Read(done), json);
                break;
            case "response.completed" or "response.done":
                return End(response, response.Text("status") is ("failed" or "incomplete" or "cancelled") and { } status ? status : "completed", headers);
            case "response.incomplete":
                return End(response, "incomplete", headers);
            case "response.failed":
                return End(response, "failed", headers);
            case "response.cancelled":
                return (null, Fault.Cut);
            case "error":
                return (null, ServiceError.InStream(json.Member("error") is { ValueKind: JsonValueKind.Object } error ? error : json, headers, clock.GetUtcNow()));
        }

        return null;
    }

    // Not every service numbers its events; without numbers all of them may be 0.
    private bool IsRepeated(JsonElement? json)
    {
        var number = json.Number("sequence_number") ?? 0;
        var repeated = number > 0 && number <= _lastSequence;
        _lastSequence = Math.Max(_lastSequence, number);
        return repeated;
    }

    private (ModelResponse? Response, Fault? Fault) End(JsonElement? response, string status, PipelineResponseHeaders headers)
    {
        if (status == "failed")
        {
            return (null, ServiceError.InStream(response.Member("error"), headers, clock.GetUtcNow()));
        }

        if (ModelResponse.Read(response, status, ResponseId) is not { } listed)
        {
            return (null, Fault.Cut);
        }

        // Gateways may stream all of an output and then list none of it.
        var streamed = listed with { Items = Items };
        var isListed = (listed.Text.Length > 0 || streamed.Text.Length == 0) && listed.Calls.Count >= streamed.Calls.Count;
        return isListed ? (listed, null) : _isUnreadable ? (null, Fault.Unreadable) : (streamed, null);
    }

    private StreamedItem Add(ConversationItem item, double? index)
    {
        var added = new StreamedItem(item, index);
        _items.Add(added);
        return added;
    }

    /// <summary>The item that an event is about: by its id, else by its place, else the newest of its kind; a new one if it was not announced.</summary>
    private StreamedItem Find(JsonElement? json, string type, string? itemId = null)
    {
        var (id, index) = (itemId ?? json.Text("item_id"), json.Number("output_index"));
        if (id is not null && _speaking?.Item is { } current && current.Type == type && current.Id == id)
        {
            return _speaking;
        }

        var items = _items.Where(item => item.Item.Type == type);
        return (id is null ? null : items.LastOrDefault(item => item.Item.Id == id))
            ?? (index is null ? null : items.LastOrDefault(item => item.Index == index))
            ?? (id is null && index is null ? items.LastOrDefault() : null)
            ?? Add(new ConversationItem(type, id, null, null, ""), index);
    }

    private void Finish(ConversationItem done, JsonElement? json)
    {
        var item = Find(json, done.Type, done.Id);
        var before = item.Known.Content;
        item.Finish(done);
        if (done.Type == ConversationItem.Message && done.Content.Length > before.Length && done.Content.StartsWith(before, StringComparison.Ordinal))
        {
            Say(item, done.Content[before.Length..]);
        }
    }

    private void Say(StreamedItem item, string text)
    {
        if (text.Length == 0)
        {
            return;
        }

        if (item != _speaking && _speaking is not null)
        {
            text = AssistantResponse.Paragraph + text;
        }

        _speaking = item;
        _heard.Append(text);
        observer.TextReceived(text);
    }

    private sealed class StreamedItem(ConversationItem begun, double? index)
    {
        private readonly TextPieces _pieces = new();
        private readonly StringBuilder _content = new(begun.Content);

        public double? Index => index;

        /// <summary>The item, but for its content.</summary>
        public ConversationItem Item { get; private set; } = begun;

        public bool IsWhole { get; private set; }

        public ConversationItem Known => Item with { Content = _content.ToString() };

        public string Add(JsonElement piece)
        {
            var text = _pieces.Next(piece);
            _content.Append(text);
            return text;
        }

        public void Replace(string content) => _content.Clear().Append(content);

        public void Finish(ConversationItem done)
        {
            IsWhole = true;
            Item = done with { CallId = done.CallId ?? Item.CallId, Name = done.Name ?? Item.Name };
            if (done.Content.Length > 0)
            {
                Replace(done.Content);
            }
        }
    }
}
