using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;

namespace Cosmo.Functions.Tools;

/// <summary>
/// Makes the JSON schema of a tool's arguments from their record, as OpenAI's strict mode wants it: nothing else is allowed, and everything
/// is required; what is optional is nullable. <see cref="DescriptionAttribute"/>, <see cref="RegularExpressionAttribute"/> and
/// <see cref="RangeAttribute"/> on the record's parameters enter the schema.
/// </summary>
internal static class ToolSchema
{
    private static readonly JsonSchemaExporterOptions Exporter = new() { TreatNullObliviousAsNonNullable = true, TransformSchemaNode = Refine };

    public static JsonObject Of<TArguments>()
    {
        var schema = ToolJson.Options.GetJsonSchemaAsNode(typeof(TArguments), Exporter).AsObject();
        var properties = schema["properties"]?.AsObject() ?? [];
        schema["properties"] = properties.DeepClone();
        schema["required"] = new JsonArray([.. properties.Select(property => (JsonNode)property.Key)]);
        schema["additionalProperties"] = false;
        return schema;
    }

    private static JsonNode Refine(JsonSchemaExporterContext context, JsonNode schema)
    {
        if (context.PropertyInfo?.AssociatedParameter?.AttributeProvider is not ParameterInfo parameter || schema is not JsonObject refined)
        {
            return schema;
        }

        refined.Remove("default");
        if (parameter.GetCustomAttribute<DescriptionAttribute>() is { } description)
        {
            refined["description"] = description.Description;
        }

        if (parameter.GetCustomAttribute<RegularExpressionAttribute>() is { } pattern)
        {
            refined["pattern"] = pattern.Pattern;
        }

        if (parameter.GetCustomAttribute<RangeAttribute>() is { } range)
        {
            refined["minimum"] = JsonSerializer.SerializeToNode(range.Minimum);
            refined["maximum"] = JsonSerializer.SerializeToNode(range.Maximum);
        }

        return refined;
    }
}
