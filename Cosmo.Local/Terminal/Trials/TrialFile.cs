using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Cosmo.Local.Terminal.Trials;

/// <summary>Reads a file of trials, one a line, and finds all that is wrong with it.</summary>
internal sealed class TrialFile
{
    private const double LongestTurn = 3600;
    private const int MostRoles = 100;

    /// <summary>How long a regular expression may look for its match.</summary>
    private static readonly TimeSpan MatchLimit = TimeSpan.FromSeconds(1);

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    private readonly string _path;
    private readonly List<string> _faults = [];
    private int _line;

    private TrialFile(string path) => _path = path;

    /// <exception cref="TerminalException">The file cannot be read, or has faults: all of them are told, each with its line and field.</exception>
    public static async Task<IReadOnlyList<Trial>> ReadAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            var lines = await File.ReadAllLinesAsync(path, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true), cancellationToken);
            return new TrialFile(path).Read(lines);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException)
        {
            throw new TerminalException(ExitCodes.Failed, e is DecoderFallbackException ? $"{path} is not UTF-8." : e.Message, e);
        }
    }

    private List<Trial> Read(string[] lines)
    {
        var trials = new List<Trial>();
        var names = new Dictionary<string, int>();
        foreach (var text in lines)
        {
            _line++;
            if (string.IsNullOrWhiteSpace(text) || Read(text) is not { } trial)
            {
                continue;
            }

            if (!names.TryAdd(trial.Name, _line))
            {
                Fault("name", $"line {names[trial.Name]} has the same.");
            }

            trials.Add(trial);
        }

        if (lines.All(string.IsNullOrWhiteSpace))
        {
            _faults.Add($"{_path}: there is no trial in it.");
        }

        return _faults.Count == 0 ? trials : throw new TerminalException(ExitCodes.Failed, string.Join('\n', _faults) + "\nNothing was run.");
    }

    private Trial? Read(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text, Strict);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                _faults.Add($"{_path}:{_line}: a line must be a JSON object.");
                return null;
            }

            KnowFields(root, "", "name", "turns", "user");
            var name = Text(root, "name");
            return new Trial(name, ReadTurns(root), ReadUser(root));
        }
        catch (JsonException e)
        {
            _faults.Add($"{_path}:{_line}: it is no JSON: {e.Message}");
        }
        catch (InvalidOperationException)
        {
            _faults.Add($"{_path}:{_line}: it holds text that is no Unicode.");
        }

        return null;
    }

    private List<TrialTurn> ReadTurns(JsonElement root)
    {
        var turns = new List<TrialTurn>();
        if (!root.TryGetProperty("turns", out var list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
        {
            Fault("turns", "must be a list of at least one turn.");
            return turns;
        }

        foreach (var turn in list.EnumerateArray())
        {
            var path = $"turns[{turns.Count.ToString(CultureInfo.InvariantCulture)}]";
            if (turn.ValueKind == JsonValueKind.Object)
            {
                KnowFields(turn, path, "message", "expect");
                turns.Add(new TrialTurn(Text(turn, "message", path), ReadExpectation(turn, path)));
            }
            else
            {
                Fault(path, "must be an object.");
                turns.Add(new TrialTurn("", new Expectation()));
            }
        }

        return turns;
    }

    private Expectation ReadExpectation(JsonElement turn, string path)
    {
        path = $"{path}.expect";
        if (!turn.TryGetProperty("expect", out var expect) || expect.ValueKind != JsonValueKind.Object)
        {
            Fault(path, "must be an object; an empty one expects no more than an answer.");
            return new Expectation();
        }

        KnowFields(expect, path, "tools", "arguments", "contains", "matches", "not_contains", "seconds");
        return new Expectation
        {
            Tools = Texts(expect, "tools", path),
            Arguments = ReadArguments(expect, path),
            Contains = Texts(expect, "contains", path) ?? [],
            NotContains = Texts(expect, "not_contains", path) ?? [],
            Matches = ReadRegex(expect, path),
            Seconds = ReadSeconds(expect, path),
        };
    }

    private JsonObject? ReadArguments(JsonElement expect, string path)
    {
        if (!expect.TryGetProperty("arguments", out var arguments))
        {
            return null;
        }

        if (arguments.ValueKind == JsonValueKind.Object)
        {
            return JsonObject.Create(arguments.Clone());
        }

        Fault($"{path}.arguments", "must be an object.");
        return null;
    }

    private Regex? ReadRegex(JsonElement expect, string path)
    {
        if (!expect.TryGetProperty("matches", out _))
        {
            return null;
        }

        try
        {
            return new Regex(Text(expect, "matches", path), RegexOptions.CultureInvariant, MatchLimit);
        }
        catch (ArgumentException e)
        {
            Fault($"{path}.matches", $"is no regular expression. {e.Message}");
            return null;
        }
    }

    private double? ReadSeconds(JsonElement expect, string path)
    {
        if (!expect.TryGetProperty("seconds", out var seconds))
        {
            return null;
        }

        if (seconds.ValueKind == JsonValueKind.Number && seconds.TryGetDouble(out var number) && number is > 0 and <= LongestTurn)
        {
            return number;
        }

        Fault($"{path}.seconds", $"must be a number above 0 and up to {LongestTurn}.");
        return null;
    }

    /// <summary>As a producer's message names a user.</summary>
    private JsonObject? ReadUser(JsonElement root)
    {
        if (!root.TryGetProperty("user", out var user))
        {
            return null;
        }

        if (user.ValueKind != JsonValueKind.Object)
        {
            Fault("user", "must be an object.");
            return null;
        }

        KnowFields(user, "user", "id", "roles", "issuer");
        Text(user, "id", "user");
        if (user.TryGetProperty("issuer", out _))
        {
            Text(user, "issuer", "user");
        }

        if (Texts(user, "roles", "user")?.Count > MostRoles)
        {
            Fault("user.roles", $"at most {MostRoles} are taken.");
        }

        return JsonObject.Create(user.Clone());
    }

    private string Text(JsonElement parent, string name, string path = "")
    {
        if (parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { } text && !string.IsNullOrWhiteSpace(text))
        {
            return text;
        }

        Fault(Join(path, name), "must be a text that is not empty.");
        return "";
    }

    private List<string>? Texts(JsonElement parent, string name, string path)
    {
        if (!parent.TryGetProperty(name, out var list))
        {
            return null;
        }

        if (list.ValueKind == JsonValueKind.Array && list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String && item.GetString() is { Length: > 0 }))
        {
            return [.. list.EnumerateArray().Select(item => item.GetString()!)];
        }

        Fault(Join(path, name), "must be a list of texts that are not empty.");
        return null;
    }

    private void KnowFields(JsonElement parent, string path, params string[] known)
    {
        foreach (var field in parent.EnumerateObject().Where(field => !known.Contains(field.Name)))
        {
            Fault(Join(path, field.Name), $"is no field here; there are {string.Join(", ", known)}.");
        }
    }

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

    private void Fault(string field, string sentence) => _faults.Add($"{_path}:{_line}: {field}: {sentence}");
}
