using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Tools;

/// <summary>Cosmo's JSON, for arguments and results of tools: null stands only where a record allows it, and schemas can be made.</summary>
internal static class ToolJson
{
    public static JsonSerializerOptions Options { get; } = Make(required: false);

    /// <summary>For the answers of services: what is missing is an error, what is not known is ignored.</summary>
    public static JsonSerializerOptions Answers { get; } = Make(required: true);

    private static JsonSerializerOptions Make(bool required)
    {
        var options = new JsonSerializerOptions(CosmoJson.Options)
        {
            RespectNullableAnnotations = true,
            RespectRequiredConstructorParameters = required,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
        };
        options.MakeReadOnly();
        return options;
    }
}
