using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Cosmo.Local.Emulators.OpenAI.Wire;

/// <summary>Reads the <c>tools</c> of a request strictly. Tools that are not functions are accepted and never used.</summary>
internal static partial class ToolReader
{
    public static IReadOnlyList<OfferedTool> ReadAll(JsonArray? tools)
    {
        var functions = new List<OfferedTool>();
        foreach (var (index, node) in (tools ?? []).Index())
        {
            var path = $"tools[{index}]";
            if (node is not JsonObject tool)
            {
                throw ApiException.InvalidType(path, "an object", node);
            }

            if (new ParameterReader(tool, path).RequiredText("type") == "function")
            {
                functions.Add(ReadFunction(tool, path));
            }
        }

        return functions;
    }

    private static OfferedTool ReadFunction(JsonObject tool, string path)
    {
        var parameters = new ParameterReader(tool, path);
        var name = parameters.RequiredText("name");
        if (!NamePattern().IsMatch(name))
        {
            throw ApiException.InvalidValue(
                $"{path}.name",
                $"Invalid '{path}.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.");
        }

        parameters.Text("description");
        var schema = parameters.Object("parameters") ?? new JsonObject { ["type"] = "object", ["properties"] = new JsonObject() };
        FunctionSchema.Check(name, schema, parameters.Flag("strict", false), $"{path}.parameters");
        return new OfferedTool(name, (JsonObject)schema.DeepClone());
    }

    [GeneratedRegex("^[a-zA-Z0-9_-]{1,64}$")]
    private static partial Regex NamePattern();
}
