using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.OpenAI.Rules.Answers;

/// <summary>The client portfolio: the total, and each service with its share.</summary>
internal static class ClientsAnswer
{
    private const string Count = "ClientCount";
    private const int MaxRows = 20;

    public static string Tell(JsonObject result)
    {
        var rows = result["service_breakdown"].Rows();
        var total = result["total_active_clients"].Number();
        var opening = $"We have {result["total_active_clients"].Show()} active clients across {rows.Count} services.";
        if (rows.Count == 0)
        {
            return $"{opening} There is nothing to break down at the moment.";
        }

        var lines = rows.Take(MaxRows).Select(row => $"- {Name(row)}: {row[Count].Show()} clients{Share(row[Count].Number(), total)}");
        return $"{opening} Here is how they are spread:\n\n{string.Join('\n', lines)}\n\n"
            + $"The largest group is {Name(rows[0])}, with {rows[0][Count].Show()} clients.";
    }

    private static string Name(JsonObject row) => row.NameField() is { } field ? row[field].Show() : "Unnamed service";

    private static string Share(double? count, double? total) => count is { } part && total is > 0 ? FormattableString.Invariant($" ({part / total:P0})") : "";
}
