using System.Globalization;
using System.Text.RegularExpressions;

namespace Cosmo.Local.Emulators.OpenAI;

/// <summary>Brings events into forms that are no fault of JSON, and that gateways before a model give them.</summary>
internal static partial class OddText
{
    private const int HalfOffset = 0xE000 - 0xD800;

    /// <summary>
    /// A token in pieces, each of which ends within an emoji. No JSON writer would write half of one, so until <see cref="WithHalves"/> a character of
    /// the private use area stands for it.
    /// </summary>
    public static IEnumerable<string> Halves(string token)
    {
        var pieces = new List<string> { "" };
        foreach (var unit in token)
        {
            pieces[^1] += char.IsSurrogate(unit) ? (char)(unit + HalfOffset) : unit;
            if (char.IsHighSurrogate(unit))
            {
                pieces.Add("");
            }
        }

        return pieces;
    }

    /// <summary>Makes the escapes that stand for halves those of halves.</summary>
    public static string WithHalves(string json) => Half().Replace(
        json, half => string.Create(CultureInfo.InvariantCulture, $"\\u{int.Parse(half.Groups[1].ValueSpan, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) - HalfOffset:x4}"));

    /// <summary>Numbers as some services write them.</summary>
    public static string WithOddNumbers(string json) => Count().Replace(
        CreatedAt().Replace(json, time => $"{time.Groups[1].Value}{time.Groups[2].Value}.77"), number => $"{number.Groups[1].Value}\"{number.Groups[2].Value}.0\"");

    [GeneratedRegex("""\\u(E[0-7][0-9A-F]{2})""")]
    private static partial Regex Half();

    [GeneratedRegex("""("created_at":)(\d+)""")]
    private static partial Regex CreatedAt();

    [GeneratedRegex("""("(?:sequence_number|output_index|content_index|\w+_tokens)":)(\d+)""")]
    private static partial Regex Count();
}
