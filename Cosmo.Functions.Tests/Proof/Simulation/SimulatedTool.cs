using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tools;

namespace Cosmo.Functions.Tests.Proof.Simulation;

/// <summary>
/// A tool that changes something: each call is claimed, so that it is made once only, and waits for a person. Its server is away, since a tool that is there runs on a
/// thread of its own: to have claimed a call counts as making it.
/// </summary>
internal sealed class SimulatedTool : ITool
{
    public const string ToolName = "sign";

    public string Name => ToolName;

    public string Description => "Signs.";

    public JsonNode Parameters => new JsonObject();

    public bool IsReadOnly => false;

    public bool RequiresApproval => true;

    public ITool? Current => null;

    public Task<JsonNode> ExecuteAsync(JsonElement arguments, Caller caller, string callId, CancellationToken cancellationToken) => throw new NotSupportedException();
}
