using System.Text;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tools;

/// <summary>Keeps what the model is given to a size that it can read.</summary>
internal static class OutputLimit
{
    /// <summary>The output as it is, or its beginning with a note, as JSON of <paramref name="maxBytes"/> at most.</summary>
    public static string Apply(string output, int maxBytes)
    {
        if (Encoding.UTF8.GetByteCount(output) <= maxBytes)
        {
            return output;
        }

        // Quotes are escaped once more inside the note, so the length that fits is found by trying.
        for (var length = Math.Min(output.Length, maxBytes); ; length = length * 9 / 10)
        {
            var beginning = char.IsHighSurrogate(output[length - 1]) ? output[..(length - 1)] : output[..length];
            var cut = new JsonObject
            {
                ["note"] = "The output was too long and was cut. Tell the user that not everything could be looked at, or ask for something narrower.",
                ["beginning_of_output"] = beginning,
            }.ToJsonString(ToolJson.Options);
            if (Encoding.UTF8.GetByteCount(cut) <= maxBytes)
            {
                return cut;
            }
        }
    }
}
