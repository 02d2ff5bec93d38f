using System.Text.Json.Nodes;
using Cosmo.Local.Emulators.OpenAI.Wire;

namespace Cosmo.Local.Emulators.OpenAI;

/// <summary>Makes the numbered events of one response.</summary>
internal sealed class EventSequence(ModelResponse response)
{
    private const string Padding = "nQ7vTz3KpXw9LbRy";

    private int _next;

    /// <summary>An event that carries the response as it is now.</summary>
    public StreamEvent Whole(string type) => New(type, ("response", response.ToJson()));

    public StreamEvent ItemAdded(int outputIndex, JsonObject item) =>
        New("response.output_item.added", ("output_index", outputIndex), ("item", item));

    public StreamEvent ItemDone(int outputIndex, Item item) =>
        New("response.output_item.done", ("output_index", outputIndex), ("item", item.ToJson()));

    /// <summary>An event about the only text part of a message.</summary>
    public StreamEvent Part(string type, string itemId, int outputIndex, params ReadOnlySpan<(string Name, JsonNode? Value)> fields) =>
        New(type, [("item_id", itemId), ("output_index", outputIndex), ("content_index", 0), .. fields]);

    public StreamEvent TextDelta(string itemId, int outputIndex, string delta) =>
        Padded(Part("response.output_text.delta", itemId, outputIndex, ("delta", delta), ("logprobs", new JsonArray())), delta);

    public StreamEvent ArgumentsDelta(string itemId, int outputIndex, string delta) =>
        Padded(New("response.function_call_arguments.delta", ("item_id", itemId), ("output_index", outputIndex), ("delta", delta)), delta);

    public StreamEvent ArgumentsDone(string itemId, int outputIndex, FunctionCall call) => New(
        "response.function_call_arguments.done",
        ("item_id", itemId),
        ("output_index", outputIndex),
        ("name", call.Name),
        ("arguments", call.Arguments));

    public StreamEvent Error(string code, string message) => New("error", ("code", code), ("message", message), ("param", null));

    /// <summary>An error in the form in which gateways have it.</summary>
    public StreamEvent NestedError(string? code, string? type, string message) => New("error", ("error", ModelResponse.Error(code, type, message)));

    /// <summary>An event that nobody knows.</summary>
    public StreamEvent Unknown() => New("response.brand_new.delta", ("delta", new JsonObject { ["a"] = new JsonArray(1) }));

    private StreamEvent New(string type, params ReadOnlySpan<(string Name, JsonNode? Value)> fields)
    {
        var data = new JsonObject { ["type"] = type, ["sequence_number"] = _next++ };
        foreach (var (name, value) in fields)
        {
            data[name] = value;
        }

        return new StreamEvent(type, data);
    }

    /// <summary>Deltas are padded to about one length, so that an onlooker cannot tell words by their size.</summary>
    private StreamEvent Padded(StreamEvent delta, string text)
    {
        if (response.Request.Obfuscation)
        {
            delta.Data["obfuscation"] = Padding[..Math.Max(1, Padding.Length - text.Length)];
        }

        return delta;
    }
}
