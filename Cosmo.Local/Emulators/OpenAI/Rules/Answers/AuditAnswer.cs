using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.OpenAI.Rules.Answers;

/// <summary>A person's audit logs: how many, what stands out, and the newest.</summary>
internal static class AuditAnswer
{
    private const int MaxItems = 5;

    public static string Tell(JsonObject arguments, JsonObject result)
    {
        var summary = result["summary"] as JsonObject;
        var email = (summary?["email"] ?? arguments["email"]).Show();
        var items = result["audit_logs"]?["items"].Rows() ?? [];
        if (items.Count == 0)
        {
            return $"There are no audit logs for {email}. If you expected some, please check the spelling of the address.";
        }

        var range = summary?["date_range"];
        var insights = result["insights"];
        var recent = insights?["recent_activity"]?.ToString() == "true" ? "There was activity in the last seven days." : "There was no activity in the last seven days.";
        return $"I found {(summary?["total_records"] ?? insights?["total_activities"]).Show()} records for {email}, "
            + $"from {range?["from"].Show()} to {range?["to"].Show()}. "
            + $"The most common actions are {insights?["most_common_actions"].Counts()}, mostly on {insights?["most_affected_tables"].Counts()}. "
            + $"The busiest hours are {insights?["peak_activity_hours"].Counts()}. {recent} The newest records:\n\n"
            + string.Join('\n', items.Take(MaxItems).Select(Line));
    }

    private static string Line(JsonObject item) =>
        $"- {item["createdAt"].Show()}: {item["action"].Show()}{On(item["tableName"])}. {item["changeSummary"].Show()}";

    private static string On(JsonNode? table) => table is null ? "" : $" on {table}";
}
