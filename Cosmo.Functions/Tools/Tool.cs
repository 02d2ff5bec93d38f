using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tools;

/// <summary>
/// A tool whose arguments are a record of strings, whole numbers, numbers and booleans: the schema is made of it, and what the model wrote is
/// checked against that before it arrives here.
/// </summary>
internal abstract class Tool<TArguments> : ITool
{
    private readonly JsonObject _parameters = ToolSchema.Of<TArguments>();

    public abstract string Name { get; }

    public abstract string Description { get; }

    public JsonNode Parameters => _parameters;

    public virtual bool IsConfigured => true;

    public virtual bool IsAvailableTo(Caller caller) => true;

    public Task<JsonNode> ExecuteAsync(JsonElement arguments, Caller caller, CancellationToken cancellationToken) =>
        ExecuteAsync(ToolArguments.Read<TArguments>(arguments, _parameters), cancellationToken);

    /// <summary>Does the work. Throws <see cref="ToolException"/> with a text for the model.</summary>
    protected abstract Task<JsonNode> ExecuteAsync(TArguments arguments, CancellationToken cancellationToken);
}
