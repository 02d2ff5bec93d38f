using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tools.Files;

/// <summary>Values of settings, which are taken out of whatever a service says before the model sees it.</summary>
internal sealed class Secrets(IEnumerable<string> values)
{
    /// <summary>A shorter value keeps no secret, and to look for it would make holes into every answer.</summary>
    private const int ShortestValue = 4;
    private const string Hidden = "(hidden)";

    private readonly string[] _texts =
    [
        .. values.Where(value => value.Length >= ShortestValue)
            .SelectMany(value => (string[])[value, Uri.EscapeDataString(value), WebUtility.UrlEncode(value)])
            .Distinct()
            .OrderByDescending(text => text.Length),
    ];

    public string Hide(string text) => _texts.Aggregate(text, (hidden, secret) => hidden.Replace(secret, Hidden, StringComparison.OrdinalIgnoreCase));

    /// <summary>The same JSON with no secret in a name or a value.</summary>
    public JsonNode? Hide(JsonNode? node)
    {
        switch (node)
        {
            case null:
                return null;
            case JsonArray elements:
                return new JsonArray([.. elements.Select(Hide)]);
            case JsonObject members:
                var hidden = new JsonObject();
                foreach (var (name, value) in members)
                {
                    hidden[Hide(name)] = Hide(value);
                }

                return hidden;
            default:
                var text = node.GetValueKind() == JsonValueKind.String ? (string)node! : node.ToJsonString();
                return Hide(text) is var shown && shown != text ? shown : node.DeepClone();
        }
    }
}
