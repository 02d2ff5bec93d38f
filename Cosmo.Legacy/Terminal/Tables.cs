using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace Cosmo.Local.Terminal;

/// <summary>Answers as tables. What comes from a channel's name or a message is one line and moves no cursor.</summary>
internal static class Tables
{
    public static Table New(params string[] columns)
    {
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumns([.. columns.Select(column => new TableColumn(Markup.Escape(column)))]);
        return table;
    }

    /// <summary>Two columns: the names of an object's fields and their values; lists and objects are left out.</summary>
    public static Table Fields(JsonObject answer)
    {
        var table = New("field", "value");
        foreach (var (name, value) in answer.Where(field => field.Value is JsonValue or null))
        {
            table.AddRow(new Text(name.Replace('_', ' ')), Cell(value));
        }

        return table;
    }

    public static Text Cell(JsonNode? value) => new(Line(value));

    public static string Line(JsonNode? value) =>
        value is null ? "-" : string.Concat(value.ToString().Select(c => char.IsControl(c) ? ' ' : c));

    public static string Count(JsonNode? value) => value is null ? "-" : value.GetValue<long>().ToString("N0", CultureInfo.InvariantCulture);

    public static string Time(JsonNode? value) =>
        value is null ? "-" : value.GetValue<DateTimeOffset>().UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
}
