using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Tools.Audit;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tools;

/// <summary>What a user did, with what stands out in it.</summary>
internal sealed class GetUserAuditLogs(PersonalData people, IOptions<ToolOptions> options, TimeProvider time) : Tool<EmailArguments>
{
    private const string Service = "the service for audit logs";

    private readonly ApiOptions _api = options.Value.AuditApi;

    public override string Name => "get_user_audit_logs";

    public override string Description => "Gets a user's audit logs by e-mail address: a summary, what stands out, and the newest records.";

    public override bool IsConfigured => people.IsConfigured(_api);

    public override bool IsAvailableTo(Caller caller) => people.IsAvailableTo(caller);

    protected override async Task<JsonNode> ExecuteAsync(EmailArguments arguments, CancellationToken cancellationToken)
    {
        var data = await people.GetAsync(Service, _api, arguments.Encoded(), cancellationToken)
            ?? throw new ToolException("There is no user with this e-mail address. Ask the user to check it.");
        try
        {
            var page = data.Deserialize<AuditPage>(AuditPage.Json);
            if (page is null || page.Items.Contains(null!))
            {
                throw ApiClient.Unreadable(Service);
            }

            var insights = new AuditInsights(page.Items, time.GetUtcNow());

            // The records come last: they are what is cut if there are too many.
            return new JsonObject
            {
                ["summary"] = new JsonObject
                {
                    ["email"] = arguments.Email.Trim(),
                    ["total_records"] = page.TotalCount ?? page.Items.Count,
                    ["date_range"] = new JsonObject { ["from"] = insights.Oldest, ["to"] = insights.Newest },
                },
                ["insights"] = insights.ToJson(),
                ["audit_logs"] = JsonSerializer.SerializeToNode(new { page.Items, Pagination = page.Pagination }, AuditPage.Json),
            };
        }
        catch (JsonException)
        {
            throw ApiClient.Unreadable(Service);
        }
    }
}
