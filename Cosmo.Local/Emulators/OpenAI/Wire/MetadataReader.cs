using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.OpenAI.Wire;

/// <summary>Metadata: at most 16 pairs, keys of 64 and texts of 512 characters at most.</summary>
internal static class MetadataReader
{
    public static JsonObject Read(ParameterReader parameters)
    {
        var metadata = parameters.Object("metadata") ?? [];
        if (metadata.Count > 16)
        {
            throw new ApiException(
                400,
                $"Invalid 'metadata': too many properties. Expected an object with at most 16 properties, but got an object with {metadata.Count} properties instead.",
                "metadata",
                "object_above_max_properties");
        }

        foreach (var (key, value) in metadata)
        {
            if (value?.GetValueKind() != JsonValueKind.String)
            {
                throw ApiException.InvalidType($"metadata.{key}", "a string", value);
            }

            Check($"metadata.{key}", key.Length, 64);
            Check($"metadata.{key}", value.GetValue<string>().Length, 512);
        }

        return (JsonObject)metadata.DeepClone();
    }

    private static void Check(string param, int length, int maximum)
    {
        if (length > maximum)
        {
            throw new ApiException(
                400,
                $"Invalid '{param}': string too long. Expected a string with maximum length {maximum}, but got a string with length {length} instead.",
                param,
                "string_above_max_length");
        }
    }
}
