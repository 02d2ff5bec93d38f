using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;

namespace Cosmo.Functions.Tests.Fuzzing;

/// <summary>What somebody else might write: JSON as it should be, JSON with one or more values that nobody expected, and what is no JSON any more.</summary>
internal static class Foreign
{
    /// <summary>Values as they stand in a text of JSON, some of which only a patient reader takes for one.</summary>
    private static readonly string[] OddValues =
    [
        "null", "true", "0", "-0", "1", "-1", "1.5", "1e400", "-1E-400", "1766440374.77", "1.77e+09", "99999999999999999999999", "9007199254740993", "NaN", "Infinity", "-Infinity",
        "\"\"", "\" \"", "\"3\"", "\"x\"", "\"\\ud83d\"", "\"\\ude00\\ud83d\"", "\"\\u0000\"", "\"\\ud83d\\ude00\"", "\"a\\nb\\u2028\"", "\"..\"", "\"%2F\"", "\"~AA\"",
        "[]", "{}", "[null]", "[[]]", "{\"\":{}}", "{\"\\udfff\":1}", "[1,\"2\",null,{\"a\":NaN}]", "\"2025-01-31 13:45:10.123\"", "\"9999-99-99\"", "-1e999",
    ];

    /// <summary>One of the values.</summary>
    public static Gen<T> One<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(index => values[index]);

    /// <summary>Text of every kind that a string of .NET can hold, half surrogate pairs among them.</summary>
    public static Gen<string> Text { get; } = Gen.Frequency(
        (4, Gen.Char['a', 'z'].Array[0, 12].Select(letters => new string(letters))),
        (2, Gen.Char.Array[0, 12].Select(any => new string(any))),
        (2, One("%", "%25", "%2F", "/", "\\", ".", "..", "~", "~AA", "\0", "é", "e\u0301", "\uD83D\uDE00", "{", "}", "{}", " ", "\u00A0", "\r\n", "cosmo-encoded.00", "K", "\u212A")),
        (1, Gen.Select(Gen.Int[1, 600], Gen.Char['a', 'z']).Select((length, letter) => new string(letter, length))));

    /// <summary>Text that can stand in a message: no half surrogate pairs.</summary>
    public static Gen<string> WellFormedText { get; } = Text.Where(text => !HasLoneSurrogate(text));

    /// <summary>One of the texts of JSON with changes: values replaced, left out, doubled, nested deeply; and, at times, bytes changed.</summary>
    public static Gen<byte[]> Changed(params string[] documents) => Gen.Select(
        One(documents),
        Gen.Select(Gen.Int[0, 1000], Gen.Int[0, 5], Gen.Int[0, OddValues.Length - 1]).Array[0, 4],
        Gen.Frequency((5, Gen.Const(Array.Empty<(int, int, byte)>())), (1, Gen.Select(Gen.Int[0, 100_000], Gen.Int[0, 3], Gen.Byte).Array[1, 3])))
        .Select((document, changes, breaks) => Break(Encoding.UTF8.GetBytes(changes.Aggregate(document, Change)), breaks));

    /// <summary>The document with one change; one that an earlier change has made unreadable to this parser stays as it is.</summary>
    private static string Change(string document, (int Place, int Kind, int Value) change)
    {
        try
        {
            return Change(JsonNode.Parse(document, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }), change);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return document;
        }
    }

    private static string Change(JsonNode? root, (int Place, int Kind, int Value) change)
    {
        List<JsonNode?> parents = [];
        Collect(root, parents);
        if (parents.Count == 0)
        {
            return OddValues[change.Value];
        }

        var mark = $"\u0001{change.Place}\u0001";
        var written = OddValues[change.Value];
        switch (parents[change.Place % parents.Count])
        {
            case JsonObject parent when parent.Count > 0:
                var name = parent.ElementAt(change.Place / parents.Count % parent.Count).Key;
                switch (change.Kind)
                {
                    case 0: parent.Remove(name); return root!.ToJsonString();
                    case 1: parent[mark] = parent[name]?.DeepClone(); return root!.ToJsonString().Replace(Quoted(mark), Quoted(name));
                    case 2: parent[name + "x"] = mark; break;
                    case 3: parent[name] = mark; written = new string('[', 200) + written + new string(']', 200); break;
                    default: parent[name] = mark; break;
                }

                break;
            case JsonArray parent when parent.Count > 0 && change.Kind > 0:
                parent[change.Place / parents.Count % parent.Count] = mark;
                break;
            case JsonArray parent:
                parent.Add(mark);
                break;
            case JsonObject parent:
                parent["x"] = mark;
                break;
        }

        return root!.ToJsonString().Replace(Quoted(mark), written);
    }

    private static string Quoted(string text) => JsonValue.Create(text).ToJsonString();

    private static void Collect(JsonNode? node, List<JsonNode?> parents)
    {
        if (node is JsonObject or JsonArray)
        {
            parents.Add(node);
            foreach (var child in node is JsonObject members ? members.Select(member => member.Value) : node.AsArray())
            {
                Collect(child, parents);
            }
        }
    }

    private static byte[] Break(byte[] text, (int Place, int Kind, byte Value)[] breaks)
    {
        foreach (var (place, kind, value) in breaks.Where(_ => text.Length > 0))
        {
            var at = place % text.Length;
            text = kind switch
            {
                0 => text[..at],
                1 => [.. text[..at], value, .. text[at..]],
                2 => [.. text[..at], .. text[(at + 1)..]],
                _ => [.. text[..at], value, .. text[(at + 1)..]],
            };
        }

        return text;
    }

    private static bool HasLoneSurrogate(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) != text;
}
