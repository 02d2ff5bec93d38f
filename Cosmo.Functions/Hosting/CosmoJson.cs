using System.Text.Encodings.Web;
using System.Text.Json;

namespace Cosmo.Functions.Hosting;

/// <summary>How Cosmo writes JSON: names in snake_case, text as it is (nothing of it is put into HTML).</summary>
internal static class CosmoJson
{
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.General)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
