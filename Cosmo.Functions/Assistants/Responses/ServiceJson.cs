using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Assistants.Responses;

/// <summary>
/// Reads what services and the gateways before them send, without being strict about it: what has another form than expected counts as not there, and
/// nothing throws.
/// </summary>
internal static class ServiceJson
{
    private static readonly JsonDocumentOptions Patient = new() { MaxDepth = 1000, AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    /// <summary>The JSON, or null if it is none. The numbers that Python writes and JSON does not have are taken out.</summary>
    public static JsonElement? Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonElement.Parse(json, Patient);
        }
        catch (JsonException)
        {
            // Only what is broken is looked at again.
        }

        try
        {
            return JsonElement.Parse(WithoutNonNumbers(json), Patient);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>A member of an object; null if there is no such object, no such member, or only a null.</summary>
    public static JsonElement? Member(this JsonElement? json, string name)
    {
        try
        {
            return json is { ValueKind: JsonValueKind.Object } element && element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
                ? value
                : null;
        }
        catch (InvalidOperationException)
        {
            // Another member's name holds half a character.
            return null;
        }
    }

    /// <summary>A member that is a text, or a number as text.</summary>
    public static string? Text(this JsonElement? json, string name) => json.Member(name) switch
    {
        { ValueKind: JsonValueKind.String } text => TextPieces.Whole(text),
        { ValueKind: JsonValueKind.Number } number => Raw(number),
        _ => null,
    };

    /// <summary>The JSON as it came.</summary>
    public static string Raw(JsonElement json) => Encoding.UTF8.GetString(JsonMarshal.GetRawUtf8Value(json));

    /// <summary>A member that is a number, or a number in a text.</summary>
    public static double? Number(this JsonElement? json, string name) => ForeignJson.ReadReal(json.Text(name));

    /// <summary>The elements of a member that is a list; none if it is something else.</summary>
    public static IEnumerable<JsonElement?> List(this JsonElement? json, string name) =>
        json.Member(name) is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray().Select(element => (JsonElement?)element) : [];

    /// <summary>Puts an empty object where outside of texts NaN or Infinity stands: that is of another form than whatever is looked for.</summary>
    private static byte[] WithoutNonNumbers(ReadOnlySpan<byte> json)
    {
        var result = json.ToArray();
        var isText = false;
        for (var at = 0; at < result.Length; at++)
        {
            switch (result[at])
            {
                case (byte)'\\' when isText:
                    at++;
                    break;
                case (byte)'"':
                    isText = !isText;
                    break;
                case (byte)'N' or (byte)'I' or (byte)'-' when !isText:
                    var rest = result.AsSpan(at);
                    var length = rest.StartsWith("NaN"u8) ? 3 : rest.StartsWith("Infinity"u8) ? 8 : rest.StartsWith("-Infinity"u8) ? 9 : 0;
                    rest[..length].Fill((byte)' ');
                    "{}"u8[..Math.Min(2, length)].CopyTo(rest);
                    break;
            }
        }

        return result;
    }
}

/// <summary>
/// Puts a text together from JSON strings that may be cut within a character: between the two escapes of an emoji, or between its bytes. What has no other
/// half becomes the replacement character.
/// </summary>
internal sealed class TextPieces
{
    private const char Replacement = '\uFFFD';

    private readonly Decoder _utf8 = Encoding.UTF8.GetDecoder();
    private char? _half;

    /// <summary>The last string may have ended within a character's bytes.</summary>
    private bool _mayBeCut;

    /// <summary>One string that is whole.</summary>
    public static string Whole(JsonElement text)
    {
        var pieces = new TextPieces();
        return pieces.Next(text) + pieces.End();
    }

    /// <summary>What the next string adds; half a character at its end is kept for the one after.</summary>
    public string Next(JsonElement text)
    {
        var json = JsonMarshal.GetRawUtf8Value(text)[1..^1];
        if (_half is null && !_mayBeCut && Ascii.IsValid(json) && !json.Contains((byte)'\\'))
        {
            return Encoding.ASCII.GetString(json);
        }

        _mayBeCut = json.IsEmpty ? _mayBeCut : json[^1] > 0x7F;
        var units = new StringBuilder(json.Length);
        while (!json.IsEmpty)
        {
            var escape = json.IndexOf((byte)'\\');
            Decode(json[..(escape < 0 ? json.Length : escape)], units, flush: escape >= 0);
            json = escape < 0 ? [] : Unescape(json[escape..], units);
        }

        return Paired(units);
    }

    /// <summary>What is left when nothing more comes.</summary>
    public string End()
    {
        var units = new StringBuilder();
        Decode([], units, flush: true);
        var rest = Paired(units);
        if (_half is not null)
        {
            rest += Replacement;
            _half = null;
        }

        return rest;
    }

    private static ReadOnlySpan<byte> Unescape(ReadOnlySpan<byte> escape, StringBuilder units)
    {
        if (escape[1] == 'u')
        {
            units.Append((char)ushort.Parse(escape[2..6], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
            return escape[6..];
        }

        units.Append((char)escape[1] switch
        {
            'b' => '\b',
            'f' => '\f',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            var same => same,
        });
        return escape[2..];
    }

    private void Decode(ReadOnlySpan<byte> utf8, StringBuilder units, bool flush)
    {
        Span<char> some = stackalloc char[256];
        bool completed;
        do
        {
            _utf8.Convert(utf8, some, flush, out var bytes, out var chars, out completed);
            units.Append(some[..chars]);
            utf8 = utf8[bytes..];
        }
        while (!completed);
    }

    /// <summary>The units as a text in which every surrogate has its other half.</summary>
    private string Paired(StringBuilder units)
    {
        var text = new StringBuilder(units.Length + 1);
        foreach (var chunk in units.GetChunks())
        {
            foreach (var unit in chunk.Span)
            {
                if (_half is { } half)
                {
                    _half = null;
                    if (char.IsLowSurrogate(unit))
                    {
                        text.Append(half).Append(unit);
                        continue;
                    }

                    text.Append(Replacement);
                }

                if (char.IsHighSurrogate(unit))
                {
                    _half = unit;
                }
                else
                {
                    text.Append(char.IsLowSurrogate(unit) ? Replacement : unit);
                }
            }
        }

        return text.ToString();
    }
}
