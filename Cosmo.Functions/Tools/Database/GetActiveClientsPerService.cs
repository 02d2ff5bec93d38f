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
        var services = rows.Sets.FirstOrDefault(set => set[0]!.AsObject().ContainsKey(Count)) ?? (rows.Sets.Count == 0
            ? []
            : throw new ToolException("The database's answer has no numbers of clients. Tell the user that an operator has to look at this."));
        var numbers = services.Select(row => DatabaseValue.ToNumber(row![Count])).ToList();
        var missing = numbers.Count(number => number is null);
        return new GetActiveClientsPerServiceResult(
            missing == numbers.Count && missing > 0 ? null : Total(numbers), services, rows.Besides(services), NoteOf(rows, missing));
    }

    private static JsonNode Total(IEnumerable<decimal?> numbers)
    {
        try
        {
            return DatabaseValue.ToNode(numbers.Sum() ?? 0)!;
        }
        catch (OverflowException)
        {
            return numbers.Sum(number => (double?)number) ?? 0;
        }
    }

    private static string? NoteOf(DatabaseRows rows, int missing) => missing == 0
        ? rows.Note
        : $"Services whose number of clients could not be read, and which the total leaves out: {missing}. Tell the user so. {rows.Note}".TrimEnd();
}

/// <summary>The arguments of a tool that takes none.</summary>
internal sealed record NoArguments;

/// <param name="TotalActiveClients">Null where no number could be read.</param>
/// <param name="MoreResults">What the command gave besides.</param>
/// <param name="Note">What the model has to know when not everything is there.</param>
internal sealed record GetActiveClientsPerServiceResult(
    JsonNode? TotalActiveClients,
    JsonArray ServiceBreakdown,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] JsonArray? MoreResults,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Note);
