using System.Text.RegularExpressions;

namespace Cosmo.Local.Emulators.OpenAI.Rules;

/// <summary>Finds the city that a clause names.</summary>
internal static partial class PlaceFinder
{
    private const int MaxWords = 4;

    private static readonly string[][] Prepositions = [["in", "at", "near", "around"], ["for", "of", "over", "to"]];

    private static readonly HashSet<string> Skipped = new(StringComparer.OrdinalIgnoreCase) { "the", "city", "of", "both", "downtown" };

    /// <summary>The place after a preposition: <c>in Cebu</c> before <c>of Cebu</c>.</summary>
    public static Place? AfterPreposition(string clause)
    {
        var words = WordsOf(clause);
        return Prepositions
            .SelectMany(group => words.Index().Where(word => group.Contains(word.Item, StringComparer.OrdinalIgnoreCase)))
            .Select(word => Take(words[(word.Index + 1)..]))
            .FirstOrDefault(place => place is not null);
    }

    /// <summary>The place in a clause that, its small words aside, has nothing else.</summary>
    public static Place? Alone(string clause)
    {
        string[] words = [.. WordsOf(clause).Where(word => !NotPlace(word))];
        return words.Length is > 0 and <= MaxWords ? Take(words) : null;
    }

    /// <summary>The place with which a clause begins, after a preposition perhaps, if nothing else in it could be one.</summary>
    public static Place? First(string clause)
    {
        var words = WordsOf(clause);
        var start = words.Count > 0 && Prepositions.Any(group => group.Contains(words[0], StringComparer.OrdinalIgnoreCase)) ? 1 : 0;
        string[] rest = [.. words.Skip(start).SkipWhile(word => !NotPlace(word))];
        return words.Count - start - rest.Length <= MaxWords && rest.All(NotPlace) ? Take([.. words.Skip(start)]) : null;
    }

    private static List<string> WordsOf(string clause) =>
        [.. WordPattern().Matches(clause).Select(match => Possessive().Replace(match.Value, "").TrimEnd('.'))];

    private static bool NotPlace(string word) => !Vocabulary.CanBePlace(word) && Countries.CodeOf(word) is null;

    private static Place? Take(IReadOnlyList<string> words)
    {
        string[] name = [.. words.SkipWhile(Skipped.Contains).TakeWhile(word => !NotPlace(word)).Take(MaxWords)];
        for (var length = 1; length < name.Length; length++)
        {
            if (Countries.CodeOf(string.Join(' ', name[length..])) is { } code)
            {
                return new Place(Title(name[..length]), code);
            }
        }

        return name is not ([] or ["city"]) ? new Place(Title(name), null) : null;
    }

    private static string Title(IReadOnlyList<string> words) => string.Join(' ', words.Select((word, index) =>
        char.IsLower(word[0]) && (index == 0 || word is not ("de" or "del" or "la" or "of" or "do")) ? char.ToUpperInvariant(word[0]) + word[1..] : word));

    [GeneratedRegex(@"[^\s,;:!?()""“”]+")]
    private static partial Regex WordPattern();

    [GeneratedRegex(@"['’]s$")]
    private static partial Regex Possessive();
}
