using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tools.Database;

/// <summary>What a command gave. The names of a row's columns are found in any case.</summary>
/// <param name="Items">The rows.</param>
/// <param name="AreAll">Whether there were no more.</param>
internal sealed record DatabaseRows(JsonArray Items, bool AreAll)
{
    /// <summary>Admits to the model that there is more; null if there is not.</summary>
    public string? Note => AreAll
        ? null
        : $"Only the first {Items.Count} rows were read, and totals count these alone. Tell the user that there are more.";
}
