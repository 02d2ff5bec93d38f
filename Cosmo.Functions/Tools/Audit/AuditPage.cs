using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Cosmo.Functions.Tools.Audit;

/// <summary>What the service for audit logs answers, newest first.</summary>
internal sealed record AuditPage(
    [property: JsonRequired] IReadOnlyList<AuditItem> Items, int? TotalPages, int? TotalCount, bool? HasPreviousPage, bool? HasNextPage)
{
    /// <summary>The names are passed on as the service writes them.</summary>
    public static JsonSerializerOptions Json { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectNullableAnnotations = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public object Pagination => new { TotalPages, TotalCount, HasPreviousPage, HasNextPage };
}

/// <param name="Action">Such as "Update".</param>
/// <param name="TableName">What it was done to, if that is known.</param>
/// <param name="ChangeSummary">In words.</param>
/// <param name="CreatedAt">Such as <c>2025-01-31 13:45:10.123</c>, UTC.</param>
internal sealed record AuditItem(string? Action, string? TableName, string? ChangeSummary, string? CreatedAt);
