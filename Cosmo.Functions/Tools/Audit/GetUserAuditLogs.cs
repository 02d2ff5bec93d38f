using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tools.Audit;

/// <summary>What a user did, with what stands out in it.</summary>
internal sealed class GetUserAuditLogs(PersonalData people, IOptions<ToolOptions> options, TimeProvider clock)
    : Tool<EmailArguments, GetUserAuditLogsResult>
{
    private const string Service = "the service for audit logs";

    private readonly ApiOptions _api = options.Value.AuditApi;

    public override string Name => "get_user_audit_logs";

    public override string Description => "Gets a user's audit logs by e-mail address: a summary, what stands out, and the newest records.";

    public override bool IsConfigured => people.IsConfigured(_api);

    public override IReadOnlyList<string> Roles => PersonalData.Roles;

    protected override async Task<GetUserAuditLogsResult> ExecuteAsync(EmailArguments arguments, CancellationToken cancellationToken)
    {
        var page = Read(await people.GetAsync(Service, _api, arguments, rest: "", cancellationToken));
        var times = new AuditTimes(page.Items);
        return new GetUserAuditLogsResult(
            new AuditSummary(arguments.Email.Trim(), page.TotalCount ?? page.Items.Count, new AuditDateRange(times.Oldest, times.Newest)),
            AuditInsights.Of(page.Items, times, clock.GetUtcNow()),
            new AuditLogs(page.Items, new AuditPagination(page.TotalPages, page.TotalCount, page.HasPreviousPage, page.HasNextPage)));
    }

    private static AuditPage Read(JsonElement data)
    {
        try
        {
            return data.Deserialize<AuditPage>(ToolJson.Options) is { } page && !page.Items.Contains(null!) ? page : throw ApiClient.Unreadable(Service);
        }
        catch (JsonException)
        {
            throw ApiClient.Unreadable(Service);
        }
    }
}

/// <param name="AuditLogs">The last, because it is what is cut if the result is too long.</param>
internal sealed record GetUserAuditLogsResult(AuditSummary Summary, AuditInsights Insights, AuditLogs AuditLogs);

internal sealed record AuditSummary(string Email, int TotalRecords, AuditDateRange DateRange);

internal sealed record AuditDateRange(string? From, string? To);

internal sealed record AuditLogs(IReadOnlyList<AuditItem> Items, AuditPagination Pagination);

/// <summary>Spelled as the service spells it.</summary>
internal sealed record AuditPagination(
    [property: JsonPropertyName("totalPages")] int? TotalPages,
    [property: JsonPropertyName("totalCount")] int? TotalCount,
    [property: JsonPropertyName("hasPreviousPage")] bool? HasPreviousPage,
    [property: JsonPropertyName("hasNextPage")] bool? HasNextPage);
