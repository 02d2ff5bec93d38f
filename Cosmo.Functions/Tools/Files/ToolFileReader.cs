using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Tools.Files;

/// <summary>Reads one file and says all that is wrong with it, with the line. No value of a setting gets into what it says.</summary>
internal sealed partial class ToolFileReader
{
    private const int MaxDescriptionLength = 1024;
    private const double LongestTimeLimit = 300;
    private const string NotAddress = "must be an http or https address without a user name or a fragment, whose host comes from no argument";

    private static readonly string[] Common = ["name", "http", "mcp", "roles", "approval", "read_only", "allow_private", "timeout_seconds"];
    private static readonly string[] Methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];

    /// <summary>What the client sets itself.</summary>
    private static readonly HashSet<string> OwnHeaders =
        new(["Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Idempotency-Key", "Mcp-Session-Id"], StringComparer.OrdinalIgnoreCase);

    private readonly string _file;
    private readonly Dictionary<string, int> _lines;
    private readonly IConfiguration _settings;
    private readonly ICollection<string> _faults;
    private readonly HashSet<string> _secrets = [];

    private ToolFileReader(string file, Dictionary<string, int> lines, IConfiguration settings, ICollection<string> faults) =>
        (_file, _lines, _settings, _faults) = (file, lines, settings, faults);

    /// <summary>Null, or incomplete, where a fault was added.</summary>
    public static ToolFile? Read(string path, IConfiguration settings, ICollection<string> faults)
    {
        try
        {
            var json = File.ReadAllText(path);
            if (JsonNode.Parse(json, null, new JsonDocumentOptions { AllowDuplicateProperties = false }) is JsonObject root)
            {
                return new ToolFileReader(path, JsonLines.Of(json), settings, faults).Read(root);
            }

            faults.Add($"{path}: must be one JSON object.");
        }
        catch (JsonException exception)
        {
            faults.Add($"{path}{(exception.LineNumber is { } line ? $":{line + 1}" : "")}: is not valid JSON, or has a name twice.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            faults.Add($"{path}: cannot be read.");
        }

        return null;
    }

    private ToolFile Read(JsonObject root)
    {
        var name = Path.GetFileNameWithoutExtension(_file);
        var (http, mcp) = (Section(root, "http"), Section(root, "mcp"));
        if (root.ContainsKey("http") == root.ContainsKey("mcp"))
        {
            Fault("", "must have either http or mcp.");
        }

        KnowOnly(root, "", mcp is null ? [.. Common, "description", "parameters"] : Common);
        if ((http is not null && !ToolName().IsMatch(name)) || (Text(root, "", "name", required: http is not null) is { } written && written != name))
        {
            Fault("name", $"must be \"{name}\" as the file is, of letters, digits, _ and -, 64 at most.");
        }

        return new ToolFile(
            name,
            Names(root, "", "roles") ?? [],
            Flag(root, "approval") ?? false,
            Flag(root, "read_only"),
            Flag(root, "allow_private") ?? false,
            Seconds(root),
            http is not null ? Headers(http, "http") : mcp is not null ? Headers(mcp, "mcp") : [],
            http is null ? null : Http(root, http),
            mcp is null ? null : Mcp(mcp),
            // The last, when all settings have been looked up.
            new Secrets(_secrets));
    }

    private HttpDefinition Http(JsonObject root, JsonObject http)
    {
        KnowOnly(http, "http", ["method", "url", "query", "headers", "body", "result"]);
        var description = Text(root, "", "description", required: true) ?? "";
        if (description.Length > MaxDescriptionLength)
        {
            Fault("description", $"must have {MaxDescriptionLength} characters at most.");
        }

        var parameters = Parameters(root);
        var method = Text(http, "http", "method", required: false) ?? "GET";
        if (!Methods.Contains(method))
        {
            Fault("http.method", $"must be one of {string.Join(", ", Methods)}.");
        }

        var body = http["body"] is { } template ? Body(template, "http.body", parameters) : null;
        if (body is not null && method == "GET")
        {
            Fault("http.body", "must be left out of a GET.");
        }

        return new HttpDefinition(
            description, parameters, new HttpMethod(Methods.Contains(method) ? method : Methods[0]), Url(http, parameters), Query(http, parameters), body, Result(http));
    }

    private McpDefinition Mcp(JsonObject mcp)
    {
        KnowOnly(mcp, "mcp", ["url", "headers", "tools"]);
        var url = Text(mcp, "mcp", "url", required: true) is { } text ? Filled(text, "mcp.url") : null;
        if (url is not null && (url.Arguments.Any() || Address(url) is null))
        {
            Fault("mcp.url", NotAddress + ".");
            url = null;
        }

        var tools = Names(mcp, "mcp", "tools");
        if (tools is null or { Count: 0 } || !tools.All(ToolName().IsMatch))
        {
            Fault("mcp.tools", "must be a list of the tools that are offered, by their names.");
        }

        return new McpDefinition(url is null ? new Uri("http://unknown") : Address(url)!, tools ?? []);
    }

    private JsonObject Parameters(JsonObject root)
    {
        if (root["parameters"] is not JsonObject parameters)
        {
            Fault("parameters", "must be the JSON schema of an object.");
            return [];
        }

        foreach (var (place, fault) in SchemaKeywords.FaultsOf(parameters))
        {
            Fault($"parameters.{place}", fault + ".");
        }

        return (JsonObject)parameters.DeepClone();
    }

    private Template Url(JsonObject http, JsonObject parameters)
    {
        if (Text(http, "http", "url", required: true) is not { } text)
        {
            return new Template([]);
        }

        var url = Filled(text, "http.url");
        if (Address(url) is null)
        {
            Fault("http.url", NotAddress + ".");
        }

        foreach (var argument in url.Arguments)
        {
            KnowScalar(argument, "http.url", parameters, mustBeGiven: true);
        }

        return url;
    }

    /// <summary>
    /// The address with the arguments left out; null for what is none, and where an argument stands before the path: the scheme, the host and the port
    /// are always the file's.
    /// </summary>
    private static Uri? Address(Template url)
    {
        var begin = string.Concat(url.Parts.TakeWhile(part => !part.IsArgument).Select(part => part.Text));
        var literal = string.Concat(url.Parts.Select(part => part.IsArgument ? "x" : part.Text));
        return Begin().Match(begin) is { Success: true } match
            && (match.Groups["path"].Length > 0 || !url.Arguments.Any())
            && !NoAddress().IsMatch(literal)
            && Uri.TryCreate(literal, UriKind.Absolute, out var address)
            && address.UserInfo.Length == 0
            ? address
            : null;
    }

    private List<KeyValuePair<string, Template>> Query(JsonObject http, JsonObject parameters)
    {
        var query = new List<KeyValuePair<string, Template>>();
        foreach (var (name, value) in Section(http, "query", "http") ?? [])
        {
            var place = $"http.query.{name}";
            if (value is not JsonValue text)
            {
                Fault(place, "must be a text.");
                continue;
            }

            var template = Filled(text.ToString(), place);
            foreach (var argument in template.Arguments)
            {
                KnowScalar(argument, place, parameters, mustBeGiven: false);
            }

            query.Add(new(name, template));
        }

        return query;
    }

    private List<KeyValuePair<string, string>> Headers(JsonObject at, string place)
    {
        var headers = new List<KeyValuePair<string, string>>();
        foreach (var (name, value) in Section(at, "headers", place) ?? [])
        {
            var where = $"{place}.headers.{name}";
            if (!HeaderName().IsMatch(name) || OwnHeaders.Contains(name))
            {
                Fault(where, "is not a header that a file may set.");
            }
            else if (value?.GetValueKind() != JsonValueKind.String)
            {
                Fault(where, "must be a text.");
            }
            else if (Filled((string)value!, where) is var template && template.Arguments.Any())
            {
                Fault(where, "must hold no argument.");
            }
            else if (template.Fill(_ => null) is not { } text || text.Any(letter => letter is < ' ' or > '~'))
            {
                Fault(where, "must be plain text on one line.");
            }
            else
            {
                headers.Add(new(name, text));
            }
        }

        return headers;
    }

    /// <summary>A text that is one argument becomes its JSON; in a longer one stands its text. A member whose argument is null or left out is left out.</summary>
    private Func<JsonElement, JsonNode?> Body(JsonNode? node, string place, JsonObject parameters)
    {
        switch (node)
        {
            case JsonObject members:
                var makers = members.Select(member => KeyValuePair.Create(member.Key, (IsNull: member.Value is null, Make: Body(member.Value, $"{place}.{member.Key}", parameters)))).ToList();
                return arguments => new JsonObject(makers.Select(maker => KeyValuePair.Create(maker.Key, (maker.Value.IsNull, Value: maker.Value.Make(arguments))))
                    .Where(made => made.Value.IsNull || made.Value.Value is not null)
                    .Select(made => KeyValuePair.Create(made.Key, made.Value.Value)));
            case JsonArray elements:
                var items = elements.Select((element, index) => Body(element, $"{place}[{index}]", parameters)).ToList();
                return arguments => new JsonArray([.. items.Select(item => item(arguments))]);
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                var template = Filled((string)value!, place);
                foreach (var argument in template.Arguments)
                {
                    Know(argument, place, parameters);
                }

                return template.Whole is { } whole
                    ? arguments => arguments.TryGetProperty(whole, out var given) ? JsonNode.Parse(given.GetRawText()) : null
                    : arguments => template.Fill(argument => Template.TextOf(arguments, argument));
            default:
                return _ => node?.DeepClone();
        }
    }

    private JsonPointer Result(JsonObject http)
    {
        if (http["result"] is not { } value)
        {
            return new JsonPointer([]);
        }

        if (value.GetValueKind() == JsonValueKind.String && JsonPointer.TryParse((string)value!, out var result))
        {
            return result;
        }

        Fault("http.result", "must be a JSON pointer, such as /data/rate.");
        return new JsonPointer([]);
    }

    private Template Filled(string text, string place) => Template.Parse(text, name =>
    {
        if (_settings[name] is { Length: > 0 } value)
        {
            _secrets.Add(value);
            return value;
        }

        Fault(place, $"names the setting {name}, which is not there.");
        return "missing";
    });

    private JsonObject? Know(string argument, string place, JsonObject parameters)
    {
        if (parameters["properties"]?[argument] is JsonObject schema)
        {
            return schema;
        }

        Fault(place, $"names {argument}, which is no argument: it does not stand in parameters.properties.");
        return null;
    }

    private void KnowScalar(string argument, string place, JsonObject parameters, bool mustBeGiven)
    {
        if (Know(argument, place, parameters) is not { } schema)
        {
            return;
        }

        var types = ToolArguments.TypesOf(schema);
        if (types.Count == 0 || types.Any(type => type is "object" or "array" || (mustBeGiven && type == "null")))
        {
            Fault(place, $"names {argument}, which must be a string, a number or a boolean there.");
        }
        else if (mustBeGiven && (parameters["required"] as JsonArray)?.Any(name => name?.ToString() == argument) != true)
        {
            Fault(place, $"names {argument}, which must be required for that.");
        }
    }

    private void KnowOnly(JsonObject at, string place, string[] names)
    {
        foreach (var (name, _) in at.Where(member => !names.Contains(member.Key)))
        {
            Fault(Inner(place, name), $"is not known; known are {string.Join(", ", names)}.");
        }
    }

    private JsonObject? Section(JsonObject at, string name, string place = "")
    {
        if (at[name] is { } value and not JsonObject)
        {
            Fault(Inner(place, name), "must be an object.");
        }

        return at[name] as JsonObject;
    }

    private string? Text(JsonObject at, string place, string name, bool required)
    {
        if (at[name]?.GetValueKind() == JsonValueKind.String && (string)at[name]! is { Length: > 0 } text)
        {
            return text;
        }

        if (required || at[name] is not null)
        {
            Fault(Inner(place, name), "must be a text.");
        }

        return null;
    }

    private bool? Flag(JsonObject at, string name)
    {
        if (at[name] is { } value && value.GetValueKind() is not (JsonValueKind.True or JsonValueKind.False))
        {
            Fault(name, "must be true or false.");
        }

        return at[name]?.GetValueKind() switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => null,
        };
    }

    private TimeSpan? Seconds(JsonObject at)
    {
        if (at["timeout_seconds"] is not { } value)
        {
            return null;
        }

        if (value.GetValueKind() == JsonValueKind.Number && ForeignJson.ReadReal(value.ToJsonString()) is >= 0.1 and <= LongestTimeLimit and var seconds)
        {
            return TimeSpan.FromSeconds(seconds);
        }

        Fault("timeout_seconds", string.Create(CultureInfo.InvariantCulture, $"must lie between 0.1 and {LongestTimeLimit}."));
        return null;
    }

    private List<string>? Names(JsonObject at, string place, string name)
    {
        if (at[name] is not { } value)
        {
            return null;
        }

        if (value is JsonArray names && names.All(one => one?.GetValueKind() == JsonValueKind.String && !string.IsNullOrWhiteSpace((string)one!)))
        {
            return [.. names.Select(one => ((string)one!).Trim()).Distinct()];
        }

        Fault(Inner(place, name), "must be a list of names.");
        return null;
    }

    private void Fault(string place, string text)
    {
        // What is missing has no line of its own.
        var line = _lines.TryGetValue(place, out var found) ? $":{found}" : "";
        _faults.Add($"{_file}{line}: {place}{(place.Length > 0 ? " " : "")}{text}");
    }

    private static string Inner(string place, string name) => place.Length == 0 ? name : $"{place}.{name}";

    [GeneratedRegex(@"^[a-zA-Z0-9_-]{1,64}\z")]
    private static partial Regex ToolName();

    [GeneratedRegex(@"^[!#$%&'*+.^_`|~0-9A-Za-z-]+\z")]
    private static partial Regex HeaderName();

    [GeneratedRegex(@"[{}\\#\s]")]
    private static partial Regex NoAddress();

    [GeneratedRegex(@"^https?://[^/?#@\\]+(?<path>[/?])?")]
    private static partial Regex Begin();
}
