using System.Text;
using System.Text.Json;

namespace Cosmo.Functions.Tools.Files;

/// <summary>On which line of a JSON text each member and element stands, by its place, such as <c>http.query.precision</c> or <c>roles[0]</c>.</summary>
internal static class JsonLines
{
    public static Dictionary<string, int> Of(string json)
    {
        var text = Encoding.UTF8.GetBytes(json);
        var lines = new Dictionary<string, int>();
        var reader = new Utf8JsonReader(text);
        var around = new Stack<(string Place, int Index)>();
        var (place, line, counted) = ("", 1, 0);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray)
            {
                around.Pop();
                continue;
            }

            line += text.AsSpan(counted, (int)reader.TokenStartIndex - counted).Count((byte)'\n');
            counted = (int)reader.TokenStartIndex;
            if (reader.TokenType == JsonTokenType.PropertyName)
            {
                place = around.Peek().Place is { Length: > 0 } outer ? $"{outer}.{reader.GetString()}" : reader.GetString()!;
                lines[place] = line;
                continue;
            }

            if (around.TryPeek(out var list) && list.Index >= 0)
            {
                around.Pop();
                around.Push((list.Place, list.Index + 1));
                place = $"{list.Place}[{list.Index}]";
                lines[place] = line;
            }

            if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
            {
                around.Push((place, reader.TokenType == JsonTokenType.StartArray ? 0 : -1));
            }
        }

        return lines;
    }
}
