using System.Text.RegularExpressions;

namespace Cosmo.Local.Emulators.OpenAI;

/// <summary>What the model says: messages, each in the pieces in which it is streamed, and the functions that it calls.</summary>
internal sealed partial record Reply(IReadOnlyList<IReadOnlyList<string>> Messages, IReadOnlyList<FunctionCall> Calls)
{
    public static Reply Say(string text) => new([Tokenize(text)], []);

    public static Reply Call(IReadOnlyList<FunctionCall> calls) => new([], calls);

    /// <summary>Cuts a text into pieces about as large as a model's tokens; joined they are the text again.</summary>
    public static IReadOnlyList<string> Tokenize(string text) => [.. TokenPattern().Matches(text).Select(match => match.Value)];

    [GeneratedRegex(@"\s?[\p{L}\p{M}\p{N}]{1,8}|\s?[^\s\p{L}\p{M}\p{N}]+|\s+")]
    private static partial Regex TokenPattern();
}

/// <param name="Name">The function.</param>
/// <param name="Arguments">The arguments as the model writes them.</param>
internal sealed record FunctionCall(string Name, string Arguments);
