using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Cosmo.Functions.Hosting;
using Cosmo.Local.Runtime.Indexing;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Configuration;

namespace Cosmo.Functions.Tests.Administration;

/// <summary>docs/openapi.json against the functions.</summary>
public sealed partial class OpenApiTests
{
    private static readonly FunctionIndex Index = FunctionIndex.Read(
        typeof(RedisConnection).Assembly.GetTypes(),
        new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["QUEUE_NAME"] = "q",
            ["RABBITMQ_URL"] = "amqp://localhost",
            ["THREAD_PRUNING_SCHEDULE"] = "0 0 0 1 1 *",
            ["THREAD_INDEXING_SCHEDULE"] = "0 0 0 1 1 *",
            ["HISTORY_PURGING_SCHEDULE"] = "0 0 0 1 1 *",
        }).Build());

    private static readonly JsonObject Document = JsonNode.Parse(File.ReadAllText(Path()))!.AsObject();

    [Fact]
    public void Every_function_is_described_and_nothing_else() =>
        Operations().Select(operation => operation.Name).Order().ShouldBe(Index.Http
            .SelectMany(function => function.Methods!.Where(method => method != "OPTIONS").Select(method => $"{method} /{Plain(function.Route)} {function.Function.Name}"))
            .Order());

    [Fact]
    public void Each_is_opened_by_the_key_that_its_level_asks_for()
    {
        foreach (var (name, operation) in Operations())
        {
            var level = Index.Http.Single(function => name.EndsWith(' ' + function.Function.Name)).Level;
            var keys = operation["security"]!.AsArray().Select(scheme => scheme!.AsObject().Single().Key).ToArray();
            keys.ShouldBe(level switch { AuthorizationLevel.Anonymous => [], AuthorizationLevel.Admin => ["masterKey"], _ => ["functionKey"] }, name);
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
