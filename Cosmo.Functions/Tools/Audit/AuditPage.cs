using System.Text.Json;
using System.Text.Json.Serialization;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Tools.Audit;

/// <summary>What the service for audit logs answers, newest first, as far as it can be read.</summary>
/// <param name="Items">Null where there is no list.</param>
/// <param name="LeftOut">How many items of the list could not be read.</param>
/// <param name="Pagination">What cannot be read of it is null.</param>
internal sealed record AuditPage(IReadOnlyList<AuditItem>? Items, int LeftOut, AuditPagination Pagination)
{
    /// <summary>Reads the member <c>data</c> of an answer; null where nothing of it can be read.</summary>
    public static AuditPage? Read(ForeignJson data)
    {
        var list = data.Kind is JsonValueKind.Array ? data : data["items"];
        var read = list is { Kind: JsonValueKind.Array } ? list.Value.Elements().Select(AuditItem.Read).ToList() : null;
        var pagination = new AuditPagination(
            Count(data["totalPages"]), Count(data["totalCount"]), Truth(data["hasPreviousPage"]), Truth(data["hasNextPage"]));
        return read is null && pagination == new AuditPagination(null, null, null, null)
            ? null
            : new AuditPage(read?.OfType<AuditItem>().ToList(), read?.Count(item => item is null) ?? 0, pagination);
    }

    private static long? Count(ForeignJson? value) =>
        value?.Real is { } number && number >= 0 && number < long.MaxValue && double.IsInteger(number) ? (long)number : null;

    private static bool? Truth(ForeignJson? value) => bool.TryParse(value?.Plain, out var truth) ? truth : null;
}

/// <summary>A record. Its names are passed on as the service writes them.</summary>
/// <param name="Action">Such as "Update".</param>
/// <param name="TableName">What it was done to, if that is known.</param>
/// <param name="ChangeSummary">In words.</param>
/// <param name="CreatedAt">Such as <c>2025-01-31 13:45:10.123</c>, UTC.</param>
internal sealed record AuditItem(
    [property: JsonPropertyName("action")] string? Action,
    [property: JsonPropertyName("tableName")] string? TableName,
    [property: JsonPropertyName("changeSummary")] string? ChangeSummary,
    [property: JsonPropertyName("createdAt")] string? CreatedAt)
{
    /// <summary>Null for what has none of the fields. A number in the place of a text is told as it is written.</summary>
    public static AuditItem? Read(ForeignJson value)
    {
        var item = new AuditItem(value["action"]?.Plain, value["tableName"]?.Plain, value["changeSummary"]?.Plain, value["createdAt"]?.Plain);
        return item == new AuditItem(null, null, null, null) ? null : item;
    }
}

/// <summary>Spelled as the service spells it.</summary>
internal sealed record AuditPagination(
    [property: JsonPropertyName("totalPages")] long? TotalPages,
    [property: JsonPropertyName("totalCount")] long? TotalCount,
    [property: JsonPropertyName("hasPreviousPage")] bool? HasPreviousPage,
    [property: JsonPropertyName("hasNextPage")] bool? HasNextPage);
