using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Hosting;

/// <summary>
/// A value of JSON that somebody else wrote, read with the patience of Python's reader: NaN and Infinity are numbers, a byte order mark is skipped, the depth
/// has no bound, and of a name that stands twice the last counts. What nobody asks for is passed over: it costs no memory, and half a surrogate pair
/// or bytes that are not UTF-8 are no error in it. Once read, no value throws.
/// </summary>
internal readonly struct ForeignJson
{
    private static readonly SearchValues<byte> EndOfPlainText = SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(control => (byte)control), (byte)'"', (byte)'\\']);

    private readonly ReadOnlyMemory<byte> _text;

    /// <summary>Text that is known to be one value, without white space around it.</summary>
    private ForeignJson(ReadOnlyMemory<byte> text) => _text = text;

    public JsonValueKind Kind => _text.Span[0] switch
    {
        (byte)'{' => JsonValueKind.Object,
        (byte)'[' => JsonValueKind.Array,
        (byte)'"' => JsonValueKind.String,
        (byte)'t' => JsonValueKind.True,
        (byte)'f' => JsonValueKind.False,
        (byte)'n' => JsonValueKind.Null,
        _ => JsonValueKind.Number,
    };

    /// <summary>The value as it is written.</summary>
    public ReadOnlySpan<byte> Raw => _text.Span;

    /// <summary>The text of a string; null for anything else, and for a string that is no text: half a surrogate pair, or not UTF-8.</summary>
    public string? Text
    {
        get
        {
            if (Kind != JsonValueKind.String)
            {
                return null;
            }

            try
            {
                var reader = new Utf8JsonReader(_text.Span);
                reader.Read();
                return reader.GetString();
            }
            catch (Exception e) when (e is InvalidOperationException or JsonException)
            {
                return null;
            }
        }
    }

    /// <summary>A whole number that fits; null for anything else.</summary>
    public long? Number => Utf8Parser.TryParse(_text.Span, out long number, out var length) && length == _text.Length ? number : null;

    /// <summary>A number, or a text that is one; null for anything else, and for one that is not finite.</summary>
    public double? Real
    {
        get
        {
            var text = Kind switch
            {
                JsonValueKind.Number => Encoding.UTF8.GetString(_text.Span),
                JsonValueKind.String => Text,
                _ => null,
            };
            return ReadReal(text);
        }
    }

    /// <summary>The text of a string, a number or a truth value; null for anything else.</summary>
    public string? Plain => Kind switch
    {
        JsonValueKind.String => Text,
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => Encoding.UTF8.GetString(_text.Span),
        _ => null,
    };

    /// <summary>The member of an object that has this name; null where there is none.</summary>
    public ForeignJson? this[string name] => Pick(name).TryGetValue(name, out var value) ? value : null;

    /// <summary>
    /// The value to be written again. Text that is none, a number that is not finite or too large, and what is more than so deep become words in parentheses; a
    /// member whose name is no text is left out.
    /// </summary>
    public JsonNode? ToNode(int depth = 16)
    {
        switch (Kind)
        {
            case JsonValueKind.Null:
                return null;
            case JsonValueKind.True or JsonValueKind.False:
                return Kind is JsonValueKind.True;
            case JsonValueKind.String:
                return Text ?? "(not text)";
            case JsonValueKind.Number:
                return Number is { } whole ? whole : Real is { } real ? real : $"({Plain})";
            case JsonValueKind.Array when depth > 0:
                return new JsonArray([.. Elements().Select(element => element.ToNode(depth - 1))]);
            case JsonValueKind.Object when depth > 0:
                var members = new JsonObject();
                foreach (var (name, value) in Members().Where(member => member.Name is not null))
                {
                    members[name!] = value.ToNode(depth - 1);
                }

                return members;
            default:
                return "(too deep)";
        }
    }

    /// <summary>The finite number that a text is; null for any other.</summary>
    public static double? ReadReal(string? text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    /// <summary>Reads a whole text.</summary>
    /// <param name="text">UTF-8.</param>
    /// <param name="value">What stands there.</param>
    /// <param name="fault">Where it stops being JSON, in bytes; after the text where it ends too early.</param>
    public static bool TryRead(ReadOnlyMemory<byte> text, out ForeignJson value, out int fault)
    {
        var begin = text.Span.StartsWith("\uFEFF"u8) ? 3 : 0;
        begin = AfterSpace(text.Span, begin);
        var end = AfterValue(text.Span, begin);
        fault = end < 0 ? ~end : AfterSpace(text.Span, end);
        var isJson = end >= 0 && fault == text.Length;
        value = isJson ? new ForeignJson(text[begin..end]) : default;
        return isJson;
    }

    /// <summary>The members of an object, those among them that have one of the names.</summary>
    public IReadOnlyDictionary<string, ForeignJson> Pick(params string[] names)
    {
        var picked = new Dictionary<string, ForeignJson>();
        foreach (var (name, value) in Members())
        {
            if (name is not null && names.Contains(name))
            {
                picked[name] = value;
            }
        }

        return picked;
    }

    /// <summary>The members of an object in their order, none of anything else. A name that is no text is null.</summary>
    public IEnumerable<(string? Name, ForeignJson Value)> Members()
    {
        for (var at = FirstChild(JsonValueKind.Object); at >= 0;)
        {
            var afterName = AfterString(_text.Span, at);
            var begin = AfterSpace(_text.Span, AfterSpace(_text.Span, afterName) + 1);
            var end = AfterValue(_text.Span, begin);
            yield return (new ForeignJson(_text[at..afterName]).Text, new ForeignJson(_text[begin..end]));
            at = NextChild(end);
        }
    }

    /// <summary>The elements of an array, none of anything else.</summary>
    public IEnumerable<ForeignJson> Elements()
    {
        for (var at = FirstChild(JsonValueKind.Array); at >= 0;)
        {
            var end = AfterValue(_text.Span, at);
            yield return new ForeignJson(_text[at..end]);
            at = NextChild(end);
        }
    }

    /// <summary>Where the first member or element begins; -1 where there is none.</summary>
    private int FirstChild(JsonValueKind kind)
    {
        if (Kind != kind)
        {
            return -1;
        }

        var at = AfterSpace(_text.Span, 1);
        return at == _text.Length - 1 ? -1 : at;
    }

    private int NextChild(int end)
    {
        var at = AfterSpace(_text.Span, end);
        return at == _text.Length - 1 ? -1 : AfterSpace(_text.Span, at + 1);
    }

    // Each of these answers the position after what it is named for, or the complement of the position where that is broken.

    private static int AfterValue(ReadOnlySpan<byte> text, int at)
    {
        // The brackets that are open: true for an object's.
        Stack<bool>? open = null;
        while (true)
        {
            if (at < text.Length && text[at] is (byte)'{' or (byte)'[')
            {
                var isObject = text[at] == '{';
                at = AfterSpace(text, at + 1);
                if (at < text.Length && text[at] == (isObject ? '}' : ']'))
                {
                    at++;
                }
                else
                {
                    (open ??= []).Push(isObject);
                    at = isObject ? AfterName(text, at) : at;
                    if (at < 0)
                    {
                        return at;
                    }

                    continue;
                }
            }
            else
            {
                at = AfterScalar(text, at);
                if (at < 0)
                {
                    return at;
                }
            }

            // A value has ended here, and so may have those around it.
            while (true)
            {
                if (open is null or { Count: 0 })
                {
                    return at;
                }

                at = AfterSpace(text, at);
                if (at < text.Length && text[at] == (open.Peek() ? '}' : ']'))
                {
                    open.Pop();
                    at++;
                    continue;
                }

                if (at == text.Length || text[at] != ',')
                {
                    return ~at;
                }

                at = AfterSpace(text, at + 1);
                at = open.Peek() ? AfterName(text, at) : at;
                if (at < 0)
                {
                    return at;
                }

                break;
            }
        }
    }

    /// <summary>A member's name, the colon, and the space before its value.</summary>
    private static int AfterName(ReadOnlySpan<byte> text, int at)
    {
        if (at == text.Length || text[at] != '"')
        {
            return ~at;
        }

        at = AfterString(text, at);
        if (at < 0)
        {
            return at;
        }

        at = AfterSpace(text, at);
        return at < text.Length && text[at] == ':' ? AfterSpace(text, at + 1) : ~at;
    }

    private static int AfterScalar(ReadOnlySpan<byte> text, int at) => at == text.Length ? ~at : text[at] switch
    {
        (byte)'"' => AfterString(text, at),
        (byte)'t' => AfterWord(text, at, "true"u8),
        (byte)'f' => AfterWord(text, at, "false"u8),
        (byte)'n' => AfterWord(text, at, "null"u8),
        (byte)'N' => AfterWord(text, at, "NaN"u8),
        (byte)'I' => AfterWord(text, at, "Infinity"u8),
        (byte)'-' when at + 1 < text.Length && text[at + 1] == 'I' => AfterWord(text, at, "-Infinity"u8),
        _ => AfterNumber(text, at),
    };

    private static int AfterWord(ReadOnlySpan<byte> text, int at, ReadOnlySpan<byte> word) => text[at..].StartsWith(word) ? at + word.Length : ~at;

    private static int AfterString(ReadOnlySpan<byte> text, int at)
    {
        for (at++; ;)
        {
            var plain = text[at..].IndexOfAny(EndOfPlainText);
            if (plain < 0)
            {
                return ~text.Length;
            }

            at += plain;
            if (text[at] == '"')
            {
                return at + 1;
            }

            if (text[at] != '\\' || at + 1 == text.Length)
            {
                return ~at;
            }

            if (text[at + 1] == 'u')
            {
                if (!Utf8Parser.TryParse(text.Slice(at + 2, Math.Min(4, text.Length - at - 2)), out int _, out var digits, 'x') || digits < 4)
                {
                    return ~at;
                }

                at += 6;
            }
            else if ("\"\\/bfnrt"u8.Contains(text[at + 1]))
            {
                at += 2;
            }
            else
            {
                return ~at;
            }
        }
    }

    private static int AfterNumber(ReadOnlySpan<byte> text, int at)
    {
        at += text[at] == '-' ? 1 : 0;
        var whole = at;
        at = AfterDigits(text, at);
        if (at > whole + 1 && text[whole] == '0')
        {
            return ~whole;
        }

        if (at >= 0 && at < text.Length && text[at] == '.')
        {
            at = AfterDigits(text, at + 1);
        }

        if (at >= 0 && at < text.Length && text[at] is (byte)'e' or (byte)'E')
        {
            at++;
            at = AfterDigits(text, at < text.Length && text[at] is (byte)'+' or (byte)'-' ? at + 1 : at);
        }

        return at;
    }

    /// <summary>At least one digit.</summary>
    private static int AfterDigits(ReadOnlySpan<byte> text, int at)
    {
        var length = text[at..].IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        return length == 0 || at == text.Length ? ~at : length < 0 ? text.Length : at + length;
    }

    private static int AfterSpace(ReadOnlySpan<byte> text, int at)
    {
        var length = text[at..].IndexOfAnyExcept(" \t\r\n"u8);
        return length < 0 ? text.Length : at + length;
    }
}
