using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.OpenAI.Wire;

/// <summary>A function that the request allows the model to call.</summary>
internal sealed record OfferedTool(string Name, JsonObject Parameters)
{
    public bool Has(string property) => Parameters["properties"] is JsonObject properties && properties.ContainsKey(property);

    public bool Requires(string property) =>
        Parameters["required"] is JsonArray required && required.Any(name => name?.ToString() == property);
}
