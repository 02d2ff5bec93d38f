using System.Globalization;
using System.Text.Json;

namespace Cosmo.Local.Host;

/// <summary>
/// What <c>local.settings.json</c> says, or the sample where that does not exist. Looked for in the
/// working directory first, then beside the program.
/// </summary>
internal sealed record LocalSettings(
    IReadOnlyDictionary<string, string?> Settings, IReadOnlyList<string> AllowedOrigins, int HttpPort)
{
    private const int DefaultHttpPort = 7071;
    private static readonly string[] Names = ["local.settings.json", "local.settings.sample.json"];
    private static readonly JsonDocumentOptions Lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    public static LocalSettings Load()
    {
        var path = Names.Select(ProgramFiles.Find).FirstOrDefault(found => found is not null)
            ?? throw new StartupException("local.settings.json is missing; copy local.settings.sample.json to it.");
        return Read(path);
    }

    /// <exception cref="StartupException">The file is not what it should be.</exception>
    public static LocalSettings Read(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllText(path), Lenient);
            return Parse(document.RootElement, Path.GetFileName(path));
        }
        catch (JsonException error)
        {
            throw new StartupException($"{Path.GetFileName(path)} is not JSON: {error.Message}", error);
        }
    }

    private static LocalSettings Parse(JsonElement root, string name)
    {
        if (root.TryGetProperty("IsEncrypted", out var encrypted) && encrypted.ValueKind == JsonValueKind.True)
        {
            throw new StartupException($"{name} is encrypted; set IsEncrypted to false and write its values in plain text.");
        }

        var values = root.TryGetProperty("Values", out var section) && section.ValueKind == JsonValueKind.Object
            ? section.EnumerateObject().ToDictionary(value => value.Name.Replace("__", ":"), value => (string?)value.Value.ToString(), StringComparer.OrdinalIgnoreCase)
            : throw new StartupException($"{name} has no object \"Values\"; write the settings there.");
        var host = root.TryGetProperty("Host", out var found) && found.ValueKind == JsonValueKind.Object ? found : default;
        return new LocalSettings(values, Origins(host), Port(host, name));
    }

    private static string[] Origins(JsonElement host) =>
        host.ValueKind == JsonValueKind.Object && host.TryGetProperty("CORS", out var origins)
            ? origins.ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            : [];

    private static int Port(JsonElement host, string name)
    {
        if (host.ValueKind != JsonValueKind.Object || !host.TryGetProperty("LocalHttpPort", out var port))
        {
            return DefaultHttpPort;
        }

        return int.TryParse(port.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= ushort.MaxValue
            ? number
            : throw new StartupException($"Host:LocalHttpPort of {name} is '{port}'; set it to a port number.");
    }
}
