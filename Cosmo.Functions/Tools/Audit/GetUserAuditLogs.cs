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
        var page = AuditPage.Read(await people.GetAsync(Service, _api, arguments, rest: "", cancellationToken)) ?? throw ApiClient.Unreadable(Service);
        var items = page.Items ?? [];
        var times = new AuditTimes(items);
        return new GetUserAuditLogsResult(
            new AuditSummary(
                arguments.Email.Trim(),
                page.Pagination.TotalCount ?? (page.Items is null ? null : items.Count + page.LeftOut),
                new AuditDateRange(times.Oldest, times.Newest)),
            NoteOf(page, items.Count - times.Count),
            items.Count == 0 && (page.Items is null || page.LeftOut > 0) ? null : AuditInsights.Of(items, times, clock.GetUtcNow()),
            new AuditLogs(page.Items, page.Pagination));
    }

    /// <summary>Says what is missing; null where nothing is.</summary>
    private static string? NoteOf(AuditPage page, int withoutTime)
    {
        string?[] notes =
        [
            page.Items is null ? "The service's list of records could not be read, so nothing is known of what the user did." : null,
            page.LeftOut > 0 ? $"Records that could not be read and are left out: {page.LeftOut}." : null,
            withoutTime > 0 ? $"Records without a time that can be read: {withoutTime}; hours, date range and recent activity leave them out." : null,
            page.Pagination.TotalCount is null && page.Items is not null ? "The service does not say how many records there are in all; total_records counts this page." : null,
        ];
        return notes.Any(note => note is not null) ? string.Join(' ', notes.OfType<string>()) + " Tell the user so." : null;
    }
}

/// <param name="Note">What the model has to know when something could not be read.</param>
/// <param name="Insights">Null where no record could be read.</param>
/// <param name="AuditLogs">The last, because it is what is cut if the result is too long.</param>
internal sealed record GetUserAuditLogsResult(
    AuditSummary Summary, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Note, AuditInsights? Insights, AuditLogs AuditLogs);

/// <param name="TotalRecords">Null where nobody knows.</param>
internal sealed record AuditSummary(string Email, long? TotalRecords, AuditDateRange DateRange);

internal sealed record AuditDateRange(string? From, string? To);

/// <param name="Items">Null where they could not be read.</param>
internal sealed record AuditLogs(IReadOnlyList<AuditItem>? Items, AuditPagination Pagination);
