using System.Text.Json.Nodes;
using Cosmo.Functions.Tools.Database;

namespace Cosmo.Functions.Tools;

/// <summary>The client portfolio: how many active clients each service has.</summary>
internal sealed class GetActiveClientsPerService(KmcDatabase database) : Tool<NoArguments>
{
    private const string Count = "ClientCount";

    public override string Name => "get_active_clients_per_service";

    public override string Description => "Gets how many active clients there are in all, and per service, the largest first.";

    public override bool IsConfigured => database.IsConfigured;

    protected override async Task<JsonNode> ExecuteAsync(NoArguments arguments, CancellationToken cancellationToken)
    {
        var rows = await database.GetClientsAsync(cancellationToken);
        var total = rows.Sum(row => row?[Count] is JsonValue count && count.TryGetValue<long>(out var clients) ? clients : 0);
        return new JsonObject { ["total_active_clients"] = total, ["service_breakdown"] = rows };
    }
}

/// <summary>The arguments of a tool that takes none.</summary>
internal sealed record NoArguments;
