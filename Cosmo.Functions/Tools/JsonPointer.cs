using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json.Nodes;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Tools;

/// <summary>A place in JSON (RFC 6901), such as <c>/data/rates/0</c>; the empty text is the whole.</summary>
internal sealed record JsonPointer(IReadOnlyList<string> Steps)
{
    public static bool TryParse(string text, [NotNullWhen(true)] out JsonPointer? pointer)
    {
        pointer = text.Length == 0 || text[0] == '/'
            ? new JsonPointer([.. text.Split('/').Skip(1).Select(step => step.Replace("~1", "/").Replace("~0", "~"))])
            : null;
        return pointer is not null;
    }

    /// <summary>The value at this place, or null where there is none.</summary>
    public ForeignJson? In(ForeignJson json) => Steps.Aggregate((ForeignJson?)json, (at, step) =>
        at is not { } value ? null
        : value.Kind == System.Text.Json.JsonValueKind.Array ? (Index(step) is { } index ? value.Elements().Select(element => (ForeignJson?)element).ElementAtOrDefault(index) : null)
        : value[step]);

    /// <summary>The value at this place, or null where there is none.</summary>
    public JsonNode? In(JsonNode json) => Steps.Aggregate((JsonNode?)json, (at, step) => at switch
    {
        JsonObject members => members[step],
        JsonArray elements => Index(step) is { } index && index < elements.Count ? elements[index] : null,
        _ => null,
    });

    private static int? Index(string step) => int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : null;
}
