using System.Collections;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tools.Database;

/// <summary>A value of whatever type a database's provider gives, as JSON and back as a number.</summary>
internal static class DatabaseValue
{
    private const int MostElements = 100;

    public static JsonNode? ToNode(object value) => value switch
    {
        DBNull => null,
        string text => text,
        bool yes => yes,
        sbyte or byte or short or ushort or int or uint or long => Convert.ToInt64(value, CultureInfo.InvariantCulture),
        ulong number => (decimal)number,

        // By its shortest text: 0.1f is 0.1.
        float number when float.IsFinite(number) => double.Parse(number.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
        double number when double.IsFinite(number) => number,
        decimal number when decimal.IsInteger(number) && Math.Abs(number) <= long.MaxValue => (long)number,
        decimal number => number,
        DateTime time => time.ToString("s", CultureInfo.InvariantCulture),
        DateTimeOffset or DateOnly or TimeOnly => ((IFormattable)value).ToString("O", CultureInfo.InvariantCulture),
        byte[] => "(binary)",
        IDictionary => Convert.ToString(value, CultureInfo.InvariantCulture),
        IEnumerable elements => new JsonArray([.. elements.Cast<object?>().Take(MostElements).Select(element => element is null ? null : ToNode(element))]),

        // A number that JSON has not, such as infinity, is told in words.
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    };

    /// <summary>The number that stands there, in whatever type or as text; null where there is none.</summary>
    public static decimal? ToNumber(JsonNode? node)
    {
        if (node is not JsonValue value)
        {
            return null;
        }

        if (value.TryGetValue(out long whole))
        {
            return whole;
        }

        if (value.TryGetValue(out decimal exact))
        {
            return exact;
        }

        return decimal.TryParse(value.ToString(), NumberStyles.Float | NumberStyles.AllowThousands, CultureInfo.InvariantCulture, out var number) ? number : null;
    }
}
