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
    private const string OwnName = "local.settings.json";
    private const string SampleName = "local.settings.sample.json";
    private static readonly JsonDocumentOptions Lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    /// <summary>The name of the file.</summary>
    public string FileName { get; private init; } = OwnName;

    /// <summary>Where the emulated services of the tools listen if no setting says so.</summary>
    public int BackendsPort => HttpPort + 3;

    /// <summary>The file, with <c>Host__CORS</c> and <c>Host__LocalHttpPort</c> of the environment where they are set.</summary>
    public static LocalSettings Load()
    {
        var path = ProgramFiles.Find(OwnName) ?? ProgramFiles.Find(SampleName)
            ?? throw new StartupException($"{OwnName} is missing; write one, or take {SampleName} from the repository.");
        var settings = Read(path);
        return settings with
        {
            AllowedOrigins = Environment.GetEnvironmentVariable("Host__CORS") is { Length: > 0 } origins ? Split(origins) : settings.AllowedOrigins,
            HttpPort = Environment.GetEnvironmentVariable("Host__LocalHttpPort") is { Length: > 0 } port ? ReadPort(port, "the environment") : settings.HttpPort,
        };
    }

    /// <summary>The values, under the environment's.</summary>
    public IConfigurationRoot UnderEnvironment() => new ConfigurationBuilder().AddInMemoryCollection(Settings).AddEnvironmentVariables().Build();

    /// <summary>What a message says about a setting that its reader is to change; names no file that may not be there.</summary>
    public string HowToChange(string name) => FileName == OwnName
        ? $"change {name} in {OwnName}"
        : $"copy {SampleName} to {OwnName} and change {name} there";

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
        return new LocalSettings(
            values,
            Find(host, "CORS") is { } origins ? Split(origins) : [],
            Find(host, "LocalHttpPort") is { } port ? ReadPort(port, name) : DefaultHttpPort)
        {
            FileName = name,
        };
    }

    private static string? Find(JsonElement host, string name) =>
        host.ValueKind == JsonValueKind.Object && host.TryGetProperty(name, out var value) ? value.ToString() : null;

    private static string[] Split(string origins) => origins.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static int ReadPort(string text, string source) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= ushort.MaxValue
            ? number
            : throw new StartupException($"Host:LocalHttpPort of {source} is '{text}'; set it to a port number.");
}
