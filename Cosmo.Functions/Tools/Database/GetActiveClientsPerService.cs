using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Cosmo.Functions.Tools.Database;

/// <summary>The client portfolio: how many active clients each service has.</summary>
internal sealed class GetActiveClientsPerService(KmcDatabase database) : Tool<NoArguments, GetActiveClientsPerServiceResult>
{
    private const string Count = "ClientCount";

    public override string Name => "get_active_clients_per_service";

    public override string Description => "Gets how many active clients there are in all, and per service, the largest first.";

    public override bool IsConfigured => database.IsConfigured;

    protected override async Task<GetActiveClientsPerServiceResult> ExecuteAsync(NoArguments arguments, CancellationToken cancellationToken)
    {
        var rows = await database.GetClientsAsync(cancellationToken);
        return new GetActiveClientsPerServiceResult(rows.Items.Sum(row => ClientsOf(row!.AsObject())), rows.Items, rows.Note);
    }

    private static long ClientsOf(JsonObject row)
    {
        if (!row.TryGetPropertyValue(Count, out var count))
        {
            throw new ToolException("The database's answer has no numbers of clients. Tell the user that an operator has to look at this.");
        }

        return count is JsonValue value && value.TryGetValue<long>(out var clients) ? clients : 0;
    }
}

/// <summary>The arguments of a tool that takes none.</summary>
internal sealed record NoArguments;

/// <param name="Note">What the model has to know when not all rows are there.</param>
internal sealed record GetActiveClientsPerServiceResult(
    long TotalActiveClients, JsonArray ServiceBreakdown, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Note);
