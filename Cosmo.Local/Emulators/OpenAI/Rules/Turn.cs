using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Local.Emulators.OpenAI.Wire;

namespace Cosmo.Local.Emulators.OpenAI.Rules;

/// <summary>The calls since the newest question, and those of them that were answered.</summary>
internal sealed record Turn(IReadOnlyList<FunctionCall> Calls, IReadOnlyList<(FunctionCall Call, string Output)> Answered)
{
    public static Turn Of(IReadOnlyList<Item> items)
    {
        Item[] turn = [.. items.Skip(items.Index().LastOrDefault(entry => entry.Item.IsUserMessage, (-1, null!)).Index + 1)];
        var outputs = turn.Where(item => item.IsFunctionCallOutput).ToLookup(item => item.CallId, item => item.ContentText);
        var calls = turn
            .Where(item => item.IsFunctionCall)
            .Select(item => (Call: new FunctionCall(item.FunctionName ?? "", item.Arguments ?? ""), Output: outputs[item.CallId].LastOrDefault()))
            .ToArray();
        return new Turn(
            [.. calls.Select(call => call.Call)],
            [.. calls.Where(call => call.Output is not null).Select(call => (call.Call, call.Output!))]);
    }

    public bool Has(FunctionCall call) => Calls.Any(made => AreSame(made, call));

    public static bool AreSame(FunctionCall one, FunctionCall other)
    {
        try
        {
            return one.Name == other.Name && JsonNode.DeepEquals(JsonNode.Parse(one.Arguments), JsonNode.Parse(other.Arguments));
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
