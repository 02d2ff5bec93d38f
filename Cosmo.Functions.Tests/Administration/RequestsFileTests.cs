using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Cosmo.Functions.Tests.Local.Terminal;

namespace Cosmo.Functions.Tests.Administration;

/// <summary>cosmo.http against docs/openapi.json.</summary>
public sealed partial class RequestsFileTests
{
    private static readonly JsonObject Paths = JsonNode.Parse(File.ReadAllText(Path.Combine(CosmoScript.Root, "docs", "openapi.json")))!["paths"]!.AsObject();
    private static readonly Match[] Requests = [.. Request().Matches(File.ReadAllText(Path.Combine(CosmoScript.Root, "cosmo.http"))).Cast<Match>()];

    [Fact]
    public void Every_request_stands_there_once_under_its_name() =>
        Requests.Select(request => $"{request.Groups["method"]} {PathOf(request)} {request.Groups["name"]}").Order().ShouldBe(
            Paths.SelectMany(path => path.Value!.AsObject().Select(method => $"{method.Key.ToUpperInvariant()} {path.Key} {method.Value!["operationId"]}")).Order());

    [Fact]
    public void A_key_goes_with_those_that_ask_for_one() => Requests.Where(request => HasHeader(request, "x-functions-key: {{key}}")).Select(Name).ShouldBe(
        Requests.Where(request => Operation(request)["security"]!.AsArray().Count > 0).Select(Name));

    [Fact]
    public void Each_asks_with_parameters_that_there_are()
    {
        foreach (var request in Requests)
        {
            var known = (Operation(request)["parameters"] as JsonArray ?? []).Where(one => one!["in"]!.ToString() == "query").Select(one => one!["name"]!.ToString());
            request.Groups["query"].Value.Split(['?', '&'], StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=')[0]).ShouldBeSubsetOf(known, Name(request));
        }
    }

    [Fact]
    public void Each_has_the_body_that_is_asked_for()
    {
        foreach (var request in Requests)
        {
            var schema = Operation(request)["requestBody"]?["content"]?["application/json"]?["schema"];
            var body = request.Groups["body"].Value.Trim();
            (body.Length > 0).ShouldBe(schema is not null, Name(request));
            if (schema is not null)
            {
                HasHeader(request, "Content-Type: application/json").ShouldBeTrue(Name(request));
                (schema["required"] as JsonArray ?? []).Select(field => field!.ToString()).ShouldBeSubsetOf(JsonNode.Parse(body)!.AsObject().Select(field => field.Key), Name(request));
            }
        }
    }

    private static JsonObject Operation(Match request) => Paths[PathOf(request)]![request.Groups["method"].Value.ToLowerInvariant()]!.AsObject();

    private static string PathOf(Match request) => request.Groups["path"].Value.Replace("{{", "{", StringComparison.Ordinal).Replace("}}", "}", StringComparison.Ordinal);

    private static string Name(Match request) => request.Groups["name"].Value;

    private static bool HasHeader(Match request, string header) => request.Groups["headers"].Value.Split('\n').Contains(header);

    [GeneratedRegex(@"^### (?<name>\w+).*\n(?<method>[A-Z]+) \{\{base\}\}(?<path>[^?\s]*)(?<query>\?\S+)?\n(?<headers>([\w-]+: .+\n)*)(?<body>[^#]*)", RegexOptions.Multiline)]
    private static partial Regex Request();
}
