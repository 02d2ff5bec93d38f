using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.OpenAI.Rules.Answers;

/// <summary>Available offices: how many, and each with what is known of it.</summary>
internal static class OfficesAnswer
{
    private const int MaxRows = 10;

    public static string Tell(JsonObject arguments, JsonObject result)
    {
        var city = (result["city"] ?? arguments["city"]).Show();
        var people = (result["required_capacity"] ?? arguments["capacity"]).Show();
        var rows = result["available_offices"].Rows();
        if (rows.Count == 0)
        {
            return $"I am afraid that there is no office in {city} available for {people} people right now. "
                + "Would a smaller team, or another city, be an option?";
        }

        var lines = rows.Take(MaxRows).Select(Line);
        var rest = rows.Count > MaxRows ? $"\n- and {rows.Count - MaxRows} more" : "";
        return $"Good news: I found {result["total_available_spaces"].Show()} available in {city} for {people} people:\n\n"
            + $"{string.Join('\n', lines)}{rest}\n\nShall I look for another city or another number of people?";
    }

    private static string Line(JsonObject row) =>
        row.NameField() is { } name ? $"- {row[name].Show()}: {row.Fields(except: name)}" : $"- {row.Fields()}";
}
