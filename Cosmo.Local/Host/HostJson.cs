using System.Globalization;

namespace Cosmo.Local.Host;

/// <summary>What <c>host.json</c> says, under what the app's settings say of it (<c>AzureFunctionsJobHost__…</c>).</summary>
internal sealed class HostJson(IConfiguration json)
{
    private const string FileName = "host.json";

    /// <summary>Below this the settings have the names of host.json.</summary>
    private const string Section = "AzureFunctionsJobHost";

    private const string StorePlace = "extensions:durableTask:storageProvider:type";

    /// <summary>The setting that names the storage provider of the Durable extension, as an environment variable.</summary>
    public static readonly string DurableStoreVariable = $"{Section}:{StorePlace}".Replace(":", "__");

    private static readonly TimeSpan DefaultFunctionTimeout = TimeSpan.FromMinutes(30);

    /// <summary>Log levels by category.</summary>
    public IConfiguration Logging => json.GetSection("logging");

    /// <summary>What every HTTP route begins with; may be empty. Default <c>api</c>.</summary>
    public string RoutePrefix => (json["extensions:http:routePrefix"] ?? "api").Trim('/');

    /// <summary>How many messages a queue's listener holds in advance: 1 to 65535, default 30.</summary>
    public ushort PrefetchCount => Read<ushort>("extensions:rabbitMQ:prefetchCount", 30);

    /// <summary>The time limit of one invocation; zero or less (<c>-1</c> in the file) for none. Default 30 minutes.</summary>
    public TimeSpan FunctionTimeout => json["functionTimeout"] == "-1" ? TimeSpan.Zero : Read("functionTimeout", DefaultFunctionTimeout);

    /// <summary>The storage provider of the Durable extension.</summary>
    public string DurableStore => json[StorePlace]!;

    /// <param name="appFolder">The folder of the file.</param>
    /// <param name="settings">The app's settings.</param>
    /// <param name="durableStore">The storage provider of the Durable extension where the settings name none, whatever the file says.</param>
    /// <exception cref="StartupException">The file is missing or damaged.</exception>
    public static HostJson Read(string appFolder, IConfiguration settings, string durableStore)
    {
        var path = Path.GetFullPath(Path.Combine(appFolder, FileName));
        if (!File.Exists(path))
        {
            throw new StartupException($"{path} is missing; it stands beside the functions.");
        }

        try
        {
            return new HostJson(new ConfigurationBuilder()
                .AddJsonFile(path)
                .AddInMemoryCollection([new(StorePlace, durableStore)])
                .AddInMemoryCollection(settings.GetSection(Section).AsEnumerable(makePathsRelative: true).Where(setting => setting.Value is not null))
                .Build());
        }
        catch (InvalidDataException error)
        {
            throw new StartupException($"{path} is not JSON: {error.InnerException?.Message ?? error.Message}", error);
        }
    }

    /// <summary>The file of the app that stands beside this program, without the settings.</summary>
    public static HostJson Load() => Read(Path.GetDirectoryName(ProgramFiles.Find(FileName)) ?? "", new ConfigurationBuilder().Build(), "");

    /// <summary>As the WebJobs SDK and its extensions look for it.</summary>
    public IEnumerable<KeyValuePair<string, string?>> ForWebJobs() =>
    [
        new("AzureWebJobsConfigurationSection", Section),
        .. json.AsEnumerable().Where(value => value.Value is not null).Select(value => new KeyValuePair<string, string?>($"{Section}:{value.Key}", value.Value)),
    ];

    private T Read<T>(string place, T fallback)
        where T : IParsable<T>
    {
        var text = json[place];
        return text is null ? fallback
            : T.TryParse(text, CultureInfo.InvariantCulture, out var value) ? value
            : throw new StartupException($"{place} of host.json is '{text}', which is no {typeof(T).Name}.");
    }
}
