using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Tools;

/// <summary>
/// A tool whose arguments are a record of strings, whole numbers, numbers and booleans: the schema is made of it, and what the model wrote is
/// checked against that before it arrives here. Its result is a record too, whose properties reach the model in snake_case.
/// </summary>
internal abstract class Tool<TArguments, TResult> : ITool
    where TResult : class
{
    private readonly JsonObject _parameters = ToolSchema.Of<TArguments>();

    public abstract string Name { get; }

    public abstract string Description { get; }

    public JsonNode Parameters => _parameters;

    public virtual bool IsConfigured => true;

    public virtual IReadOnlyList<string> Roles => [];

    public virtual bool IsReadOnly => true;

    public virtual bool RequiresApproval => false;

    public async Task<JsonNode> ExecuteAsync(JsonElement arguments, Caller caller, string callId, CancellationToken cancellationToken)
    {
        ToolArguments.Check(arguments, _parameters, largest: int.MaxValue);
        var result = await ExecuteAsync(Read(arguments), cancellationToken);
        return JsonSerializer.SerializeToNode(result, ToolJson.Options)!;
    }

    /// <summary>Does the work. Throws <see cref="ToolException"/> with a text for the model.</summary>
    protected abstract Task<TResult> ExecuteAsync(TArguments arguments, CancellationToken cancellationToken);

    private static TArguments Read(JsonElement arguments)
    {
        try
        {
            return arguments.Deserialize<TArguments>(ToolJson.Options)!;
        }
        catch (Exception exception) when (exception is InvalidOperationException or JsonException)
        {
            throw ToolArguments.NotUnicode();
        }
    }
}
