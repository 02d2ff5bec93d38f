using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.OpenAI.Controls;

/// <summary>An answer said word by word by a test. It is for one request unless it says otherwise.</summary>
internal sealed record ScriptedAnswer : Rule
{
    public ScriptedAnswer() => Times = 1;

    /// <summary>The text: a string, or a list of the pieces in which it is streamed.</summary>
    public JsonNode? Text { get; init; }

    /// <summary>What is said in further messages of the same response.</summary>
    public IReadOnlyList<string> Then { get; init; } = [];

    /// <summary>The functions that are called.</summary>
    public IReadOnlyList<ScriptedCall> Calls { get; init; } = [];

    public Reply ToReply() => new(
        [
            .. Text switch
            {
                null => Array.Empty<IReadOnlyList<string>>(),
                JsonArray pieces => [[.. pieces.Select(piece => piece?.ToString() ?? "")]],
                var text => [Reply.Tokenize(text.ToString())],
            },
            .. Then.Select(Reply.Tokenize),
        ],
        [.. Calls.Select(call => new FunctionCall(call.Name, call.ArgumentsText))]);
}

/// <param name="Name">The function.</param>
/// <param name="Arguments">The arguments: an object, or a text that is sent as it is.</param>
internal sealed record ScriptedCall(string Name, JsonNode? Arguments)
{
    public string ArgumentsText => Arguments switch
    {
        null => "{}",
        JsonValue text when text.TryGetValue(out string? raw) => raw,
        var json => json.ToJsonString(),
    };
}
