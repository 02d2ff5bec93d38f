using System.Globalization;
using System.Text.RegularExpressions;

namespace Cosmo.Local.Emulators.OpenAI.Rules;

/// <summary>A part of a message that says one thing: its topics and its details.</summary>
internal sealed partial record Clause(string Text, IReadOnlyList<Topic> Topics, string? Email, int? Capacity)
{
    private const int MaxCapacity = 99_999;

    /// <summary>The text without the e-mail address.</summary>
    private string Words => EmailPattern().Replace(Text, " ");

    /// <summary>What the clause says about its own topics.</summary>
    public Details Details => new(
        PlaceFinder.AfterPreposition(Words) ?? (Topics.Any(Rules.Topics.IsAboutPlace) ? PlaceFinder.Alone(Words) : null),
        Capacity,
        Email);

    /// <summary>What the clause adds to a topic that another one named.</summary>
    public Details Addition => new(PlaceFinder.First(LeadIn().Replace(Words, "")), Capacity, Email);

    /// <summary>What the clause answers when a city was asked for.</summary>
    public Details Answer => new(PlaceFinder.AfterPreposition(Words) ?? PlaceFinder.Alone(Words), Capacity, Email);

    /// <summary>Cuts a message at the ends of sentences, at commas and at "and".</summary>
    public static IReadOnlyList<Clause> Split(string message) =>
    [
        .. Separator().Split(message)
            .Where(text => !string.IsNullOrWhiteSpace(text))
            .Select(text => new Clause(text.Trim(), Vocabulary.TopicsIn(EmailPattern().Replace(text, " ")), EmailIn(text), CapacityIn(text))),
    ];

    private static string? EmailIn(string text) => EmailPattern().Match(text) is { Success: true } match ? match.Value : null;

    private static int? CapacityIn(string text)
    {
        var rest = EmailPattern().Replace(text, " ");
        if (NumberPattern().Match(rest) is { Success: true } match)
        {
            return Math.Min(int.Parse(match.Value, CultureInfo.InvariantCulture), MaxCapacity);
        }

        return rest.Split(' ', '-').Select(Vocabulary.Number).FirstOrDefault(number => number is not null);
    }

    [GeneratedRegex(@"[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")]
    private static partial Regex EmailPattern();

    [GeneratedRegex(@"(?<![\w@.])\d{1,6}(?!\w|[.,]\d)")]
    private static partial Regex NumberPattern();

    [GeneratedRegex(@"(?<!\bSt)[.!?;:](?=\s|$)|,|\n|&|\b(?:and|or|also|plus|then|as well as)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Separator();

    [GeneratedRegex(@"^\s*((what|how) about|same (question )?for|now|ok(ay)?|what if (it is|it's|we are|we're))\b", RegexOptions.IgnoreCase)]
    private static partial Regex LeadIn();
}
