using System.Text.Json.Serialization;

namespace Cosmo.Functions.Tools.Audit;

/// <summary>What the service for audit logs answers, newest first. Its names are passed on as it writes them.</summary>
internal sealed record AuditPage(
    [property: JsonRequired, JsonPropertyName("items")] IReadOnlyList<AuditItem> Items,
    [property: JsonPropertyName("totalPages")] int? TotalPages,
    [property: JsonPropertyName("totalCount")] int? TotalCount,
    [property: JsonPropertyName("hasPreviousPage")] bool? HasPreviousPage,
    [property: JsonPropertyName("hasNextPage")] bool? HasNextPage);

/// <param name="Action">Such as "Update".</param>
/// <param name="TableName">What it was done to, if that is known.</param>
/// <param name="ChangeSummary">In words.</param>
/// <param name="CreatedAt">Such as <c>2025-01-31 13:45:10.123</c>, UTC.</param>
internal sealed record AuditItem(
    [property: JsonPropertyName("action")] string? Action,
    [property: JsonPropertyName("tableName")] string? TableName,
    [property: JsonPropertyName("changeSummary")] string? ChangeSummary,
    [property: JsonPropertyName("createdAt")] string? CreatedAt);
