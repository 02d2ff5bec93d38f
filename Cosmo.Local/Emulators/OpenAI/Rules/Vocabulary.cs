using System.Text.RegularExpressions;

namespace Cosmo.Local.Emulators.OpenAI.Rules;

/// <summary>The words that the rules know.</summary>
internal static partial class Vocabulary
{
    private const RegexOptions Options = RegexOptions.IgnoreCase | RegexOptions.CultureInvariant;

    /// <summary>Words that end the name of a place, or that no place is called.</summary>
    private static readonly HashSet<string> NotPlaces = new(StringComparer.OrdinalIgnoreCase)
    {
        "a", "about", "access", "afternoon", "all", "also", "am", "an", "and", "any", "anything", "are", "around", "as", "at", "available",
        "be", "because", "best", "both", "but", "by", "bye", "can", "capacity", "celsius", "check", "clients", "cool", "could", "current",
        "currently", "day", "days", "degrees", "detail", "details", "did", "do", "does", "doing", "each", "email", "evening", "everyone",
        "everything", "expect", "fahrenheit", "fine", "first", "for", "from", "general", "get", "give", "go", "going", "good", "got", "great",
        "has", "have", "he", "hello", "help", "her", "here", "hey", "hi", "him", "his", "how", "how's", "i", "i'm", "if", "in", "is",
        "it", "it's", "its", "just", "kind", "know", "lately", "last", "least", "let", "like", "list", "look", "looking", "many", "may", "me",
        "moment", "month", "more", "morning", "much", "my", "near", "need", "next", "nice", "no", "nope", "now", "of", "off", "ok", "okay",
        "on", "one", "or", "our", "out", "outside", "over", "people", "per", "person", "persons", "please", "pls", "question", "really", "report", "right",
        "same", "say", "see", "service", "services", "she", "should", "show", "so", "some", "someone", "soon", "sorry", "still", "tell",
        "thank", "thanks", "that", "that's", "the", "their", "them", "then", "there", "these", "they", "this", "those", "time", "to",
        "today", "tomorrow", "tonight", "too", "total", "try", "umbrella", "update", "us", "use", "user", "very", "was", "we", "week",
        "well", "were", "what", "what's", "when", "where", "which", "while", "who", "why", "will", "with", "wonder", "would", "yeah",
        "year", "yes", "yesterday", "you", "your",
    };

    private static readonly Dictionary<string, int> Numbers = new (string Word, int Number)[]
    {
        ("two", 2), ("three", 3), ("four", 4), ("five", 5), ("six", 6), ("seven", 7), ("eight", 8), ("nine", 9), ("ten", 10),
        ("eleven", 11), ("twelve", 12), ("dozen", 12), ("fifteen", 15), ("twenty", 20), ("thirty", 30), ("forty", 40),
        ("fifty", 50), ("hundred", 100),
    }.ToDictionary(entry => entry.Word, entry => entry.Number, StringComparer.OrdinalIgnoreCase);

    private static readonly (Topic Topic, Regex Words)[] TopicWords =
    [
        (Topic.Weather, WeatherWords()),
        (Topic.AuditLogs, AuditWords()),
        (Topic.Role, RoleWords()),
        (Topic.Offices, OfficeWords()),
        (Topic.Clients, ClientWords()),
    ];

    public static bool IsTopicWord(string word) => TopicWords.Any(entry => entry.Words.IsMatch(word));

    public static bool CanBePlace(string word) =>
        word.Length > 1 && char.IsLetter(word[0]) && !NotPlaces.Contains(word) && !Numbers.ContainsKey(word) && !IsTopicWord(word);

    public static int? Number(string word) => Numbers.TryGetValue(word, out var number) ? number : null;

    /// <summary>The topics that a text names, in its order. One about a person leaves no room for the client list.</summary>
    public static IReadOnlyList<Topic> TopicsIn(string text)
    {
        Topic[] found =
        [
            .. TopicWords
                .Select(entry => (entry.Topic, Match: entry.Words.Match(text)))
                .Where(entry => entry.Match.Success)
                .OrderBy(entry => entry.Match.Index)
                .Select(entry => entry.Topic),
        ];
        return found.Length > 1 && (found.Any(Topics.IsAboutPerson) || found.Contains(Topic.Offices)) ? [.. found.Where(topic => topic != Topic.Clients)] : found;
    }

    [GeneratedRegex(@"\b(weather|forecast|temperatures?|rain(s|y|ing)?|sunny|humid(ity)?|wind(y|s)?|storm(y|s)?|typhoon|umbrella|hot(?!\s*desk)|cold|warm|chilly|climate)\b", Options)]
    private static partial Regex WeatherWords();

    [GeneratedRegex(@"\b(audit(s|ed)?|logs?|activit(y|ies))\b", Options)]
    private static partial Regex AuditWords();

    [GeneratedRegex(@"\b(roles?|permissions?|privileges?|access (level|rights?))\b", Options)]
    private static partial Regex RoleWords();

    [GeneratedRegex(@"\b(offices?|desks?|seats?|workspaces?|coworking|co-working|(office |work(ing)? )?spaces?|rooms?)\b", Options)]
    private static partial Regex OfficeWords();

    [GeneratedRegex(@"\b(clients?|customers?|portfolio|services? breakdown)\b", Options)]
    private static partial Regex ClientWords();
}
