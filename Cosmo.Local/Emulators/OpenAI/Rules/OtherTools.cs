using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Cosmo.Local.Emulators.OpenAI.Wire;

namespace Cosmo.Local.Emulators.OpenAI.Rules;

/// <summary>
/// Functions that the rules do not know: one is called when the question has the words of its name ("exchange rate" for <c>get_exchange_rate</c>) and, for
/// each argument, a word that fits its pattern, in the order of the arguments.
/// </summary>
internal static partial class OtherTools
{
    private static readonly HashSet<string> Known = [.. Enum.GetValues<Topic>().Select(topic => topic.Function())];
    private static readonly HashSet<string> Verbs = new(["get", "find", "list", "show", "add", "create", "set"], StringComparer.OrdinalIgnoreCase);
    private static readonly TimeSpan PatternTimeLimit = TimeSpan.FromMilliseconds(100);

    public static IReadOnlyList<FunctionCall> Wanted(ModelInput input)
    {
        var question = input.Items.LastOrDefault(item => item.IsUserMessage)?.ContentText ?? "";
        string[] words = [.. Word().Matches(question).Select(word => word.Value)];
        return
        [
            .. input.Tools.Where(tool => !Known.Contains(tool.Name) && IsNamed(tool, words))
                .Select(tool => (tool.Name, Arguments: Arguments(tool, words)))
                .Where(call => call.Arguments is not null)
                .Select(call => new FunctionCall(call.Name, call.Arguments!.ToJsonString(Endpoints.Json.Wire))),
        ];
    }

    private static bool IsNamed(OfferedTool tool, string[] words)
    {
        var names = tool.Name.Split('_', '-').Where(name => name.Length > 0 && !Verbs.Contains(name)).ToList();
        return names.Count > 0 && names.TrueForAll(name => words.Any(word => word.StartsWith(name, StringComparison.OrdinalIgnoreCase)));
    }

    private static JsonObject? Arguments(OfferedTool tool, string[] words)
    {
        var arguments = new JsonObject();
        var left = words.ToList();
        foreach (var (name, schema) in tool.Parameters["properties"] as JsonObject ?? [])
        {
            var at = schema?["pattern"]?.ToString() is { } pattern ? left.FindIndex(word => Regex.IsMatch(word, pattern, RegexOptions.None, PatternTimeLimit)) : -1;
            if (at >= 0)
            {
                arguments[name] = left[at];
                left.RemoveAt(at);
            }
            else if (tool.Requires(name))
            {
                return null;
            }
        }

        return arguments;
    }

    [GeneratedRegex(@"[\w@.+-]*\w")]
    private static partial Regex Word();
}
