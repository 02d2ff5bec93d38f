using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.OpenAI.Rules.Answers;

/// <summary>Reads what a function returned without trusting its form: whatever is missing is told as a question mark.</summary>
internal static class JsonFields
{
    public static string Show(this JsonNode? node) => node switch
    {
        null => "?",
        JsonValue value when value.GetValueKind() == JsonValueKind.Number && value.TryGetValue(out double number) =>
            number.ToString("#,0.##", CultureInfo.InvariantCulture),
        JsonObject json => json.Fields(),
        JsonArray list => string.Join(", ", list.Select(Show)),
        _ => node.ToString(),
    };

    public static double? Number(this JsonNode? node) =>
        node is JsonValue value && value.GetValueKind() == JsonValueKind.Number && value.TryGetValue(out double number) ? number : null;

    public static IReadOnlyList<JsonObject> Rows(this JsonNode? node) => node is JsonArray rows ? [.. rows.OfType<JsonObject>()] : [];

    /// <summary>All fields as "name: value", with names in words.</summary>
    public static string Fields(this JsonObject json, string? except = null) =>
        string.Join(", ", json.Where(field => field.Key != except && field.Value is not null).Select(field => $"{InWords(field.Key)}: {field.Value.Show()}"));

    /// <summary>The first field that is a text: what a row is called.</summary>
    public static string? NameField(this JsonObject row) => row
        .Where(field => field.Value?.GetValueKind() == JsonValueKind.String)
        .OrderByDescending(field => field.Key.Contains("name", StringComparison.OrdinalIgnoreCase))
        .Select(field => field.Key)
        .FirstOrDefault();

    /// <summary>The names of a field of counts, with their counts: "Login (3), Update (2)".</summary>
    public static string Counts(this JsonNode? node) =>
        node is JsonObject counts ? string.Join(", ", counts.Select(count => $"{count.Key} ({count.Value.Show()})")) : node.Show();

    private static string InWords(string name)
    {
        var words = new StringBuilder();
        foreach (var letter in name)
        {
            var starts = char.IsUpper(letter) && words.Length > 0 && char.IsLower(words[^1]);
            words.Append(starts ? " " : "").Append(letter == '_' ? ' ' : starts ? char.ToLowerInvariant(letter) : letter);
        }

        return words.ToString();
    }
}
