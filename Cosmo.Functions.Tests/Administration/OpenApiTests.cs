using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Cosmo.Functions.Tests.Administration;

/// <summary>docs/openapi.json against the functions.</summary>
public sealed partial class OpenApiTests
{
    private static readonly JsonObject Document = JsonNode.Parse(File.ReadAllText(Path()))!.AsObject();

    [Fact]
    public void Every_function_is_described_and_nothing_else() =>
        Operations().Select(operation => operation.Name).Order().ShouldBe(AppFunctions.Http
            .SelectMany(function => function.Methods.Where(method => method != "OPTIONS").Select(method => $"{method} /{Plain(function.Route)} {function.Name}"))
            .Order());

    [Fact]
    public void Each_is_opened_by_the_key_that_its_level_asks_for()
    {
        foreach (var (name, operation) in Operations())
        {
            var level = AppFunctions.Http.Single(function => name.EndsWith(' ' + function.Name)).Level;
            var keys = operation["security"]!.AsArray().Select(scheme => scheme!.AsObject().Single().Key).ToArray();
            keys.ShouldBe(level switch { "anonymous" => [], "admin" => ["masterKey"], _ => ["functionKey"] }, name);
        }
    }

    [Fact]
    public void Each_names_the_parameters_of_its_route()
    {
        foreach (var (name, operation) in Operations())
        {
            var described = (operation["parameters"] as JsonArray ?? []).Where(one => one!["in"]!.ToString() == "path").Select(one => one!["name"]!.ToString());
            described.ShouldBe(RouteParameter().Matches(name).Select(match => match.Groups[1].Value), name);
        }
    }

    [Fact]
    public void Every_reference_leads_somewhere()
    {
        var schemas = Document["components"]!["schemas"]!.AsObject();
        var used = Reference().Matches(Document.ToJsonString()).Select(match => match.Groups[1].Value).ToHashSet();

        used.ShouldBeSubsetOf(schemas.Select(schema => schema.Key));
        schemas.Select(schema => schema.Key).ShouldBeSubsetOf(used);
    }

    private static IEnumerable<(string Name, JsonObject Operation)> Operations() =>
        from path in Document["paths"]!.AsObject()
        from method in path.Value!.AsObject()
        select ($"{method.Key.ToUpperInvariant()} {path.Key} {method.Value!["operationId"]}", method.Value!.AsObject());

    private static string Path([CallerFilePath] string source = "") =>
        System.IO.Path.Combine(System.IO.Path.GetDirectoryName(source)!, "..", "..", "docs", "openapi.json");

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex RouteParameter();

    [GeneratedRegex("#/components/schemas/(\\w+)")]
    private static partial Regex Reference();

    /// <summary>The route without the constraints of its parameters, which OpenAPI's paths do not have.</summary>
    private static string Plain(string route) =>
        string.Join('/', route.Split('/').Select(segment => segment.StartsWith('{') && segment.Contains(':') ? segment[..segment.IndexOf(':')] + "}" : segment));
}
