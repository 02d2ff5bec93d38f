using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Cosmo.Bench;

/// <summary>
/// A token of the benchmark's model: the time at which it was said. So whoever reads the text, in whatever process, knows how old each piece of it is. All
/// processes of a machine share the clock that <see cref="Stopwatch"/> reads (on Linux CLOCK_MONOTONIC).
/// </summary>
internal static class TimeToken
{
    /// <summary>Characters of a token, with the space before it: a little more than the four of a model's average token of English.</summary>
    public const int Length = 6;

    private const string Digits = "0123456789abcdefghijklmnopqrstuvwxyz";
    private const int Resolution = 50;
    private const long Modulus = 36L * 36 * 36 * 36 * 36;

    /// <summary>Microseconds since the machine started.</summary>
    public static long Now => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000);

    public static void Write(long now, Span<byte> token)
    {
        var value = now / Resolution % Modulus;
        token[0] = (byte)' ';
        for (var place = Length - 1; place > 0; place--)
        {
            token[place] = (byte)Digits[(int)(value % 36)];
            value /= 36;
        }
    }

    /// <summary>How long ago a token was said, in microseconds; right to 50, and for 50 minutes.</summary>
    public static long AgeOf(ReadOnlySpan<char> token, long now)
    {
        long value = 0;
        foreach (var digit in token[1..Length])
        {
            value = (value * 36) + (digit <= '9' ? digit - '0' : digit - 'a' + 10);
        }

        return (((now / Resolution) - value) % Modulus + Modulus) % Modulus * Resolution;
    }
}

/// <summary>What the benchmark's model is to say; it stands in the question itself.</summary>
/// <param name="Tokens">How many tokens.</param>
/// <param name="PaceMilliseconds">Between two of them; 0 for as fast as can be.</param>
/// <param name="FirstMilliseconds">Before the first.</param>
/// <param name="HasTool">A tool is called first.</param>
internal sealed partial record Recipe(int Tokens, int PaceMilliseconds, int FirstMilliseconds, bool HasTool)
{
    private const string Begin = "Please say the time: ";

    public override string ToString() => FormattableString.Invariant($"{Begin}{Tokens} {PaceMilliseconds} {FirstMilliseconds} {(HasTool ? 1 : 0)}");

    /// <summary>The recipe of a question, which may stand in JSON; null where it has none.</summary>
    public static Recipe? Find(string question) => Pattern().Match(question) is { Success: true } found
        ? new Recipe(Number(found, 1), Number(found, 2), Number(found, 3), Number(found, 4) == 1)
        : null;

    private static int Number(Match found, int group) => int.Parse(found.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(Begin + @"(\d+) (\d+) (\d+) ([01])", RegexOptions.RightToLeft)]
    private static partial Regex Pattern();
}
