using System.Text.RegularExpressions;
using Cosmo.Local.Emulators.OpenAI.Controls;

namespace Cosmo.Local.Emulators.OpenAI.Rules;

/// <summary>
/// Answers that show what a front end can do with text: what the question has it say, a long one, a table, code, a list, all of Markdown, and what would do harm if it were believed. A
/// question that is about one of the five fields is never one for these.
/// </summary>
internal static partial class Showpieces
{
    private static readonly (Regex Question, string Answer)[] All =
    [
        (HostileWords(), ShowpieceTexts.Hostile),
        (MarkdownWords(), ShowpieceTexts.Markdown),
        (StoryWords(), ShowpieceTexts.Story),
        (TableWords(), ShowpieceTexts.Table),
        (CodeWords(), ShowpieceTexts.Code),
        (ListWords(), ShowpieceTexts.List),
        (FailureWords(), ShowpieceTexts.BeforeFailure),
    ];

    /// <summary>The answer to the newest question; null if that asks for none of these.</summary>
    public static string? Answer(ModelInput input)
    {
        var question = input.Items.LastOrDefault(item => item.IsUserMessage)?.ContentText ?? "";
        if (EchoWords().Match(question) is { Success: true } echo)
        {
            return echo.Groups["text"].Value;
        }

        return Vocabulary.TopicsIn(question).Count > 0 ? null : All.FirstOrDefault(piece => piece.Question.IsMatch(question)).Answer;
    }

    /// <summary>What goes wrong where the question asks for that.</summary>
    public static Fault? Fault(string question) =>
        FailureWords().IsMatch(question) ? new Fault { FailAfterTokens = 14, FailCode = "asked_to_fail" } : null;

    [GeneratedRegex("^say after me: (?<text>.+)$", RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex EchoWords();

    [GeneratedRegex(@"\bhostile\b", RegexOptions.IgnoreCase)]
    private static partial Regex HostileWords();

    [GeneratedRegex(@"\bmarkdown\b", RegexOptions.IgnoreCase)]
    private static partial Regex MarkdownWords();

    [GeneratedRegex(@"\bstory\b", RegexOptions.IgnoreCase)]
    private static partial Regex StoryWords();

    [GeneratedRegex(@"\ba table\b", RegexOptions.IgnoreCase)]
    private static partial Regex TableWords();

    [GeneratedRegex(@"\bsome code\b", RegexOptions.IgnoreCase)]
    private static partial Regex CodeWords();

    [GeneratedRegex(@"\b(a|some) (check)?lists?\b", RegexOptions.IgnoreCase)]
    private static partial Regex ListWords();

    [GeneratedRegex(@"\blet (something|it) (go wrong|fail)\b", RegexOptions.IgnoreCase)]
    private static partial Regex FailureWords();
}
