using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests;

/// <summary>The app's functions as its build describes them to the host.</summary>
internal static class AppFunctions
{
    /// <summary>Those that an HTTP request starts.</summary>
    public static IReadOnlyList<HttpFunction> Http { get; } =
    [
        .. from function in JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "functions.metadata")))!.AsArray()
           from binding in function!["bindings"]!.AsArray()
           where binding!["type"]!.GetValue<string>() == "httpTrigger"
           select new HttpFunction(
               function["name"]!.GetValue<string>(),
               binding["route"]!.GetValue<string>(),
               [.. binding["methods"]!.AsArray().Select(method => method!.GetValue<string>().ToUpperInvariant())],
               binding["authLevel"]!.GetValue<string>().ToLowerInvariant()),
    ];

    /// <param name="Name">The function's name.</param>
    /// <param name="Route">Without the prefix that all have.</param>
    /// <param name="Methods">In capitals.</param>
    /// <param name="Level">anonymous, function or admin.</param>
    internal sealed record HttpFunction(string Name, string Route, IReadOnlyList<string> Methods, string Level);
}
