using System.Globalization;

namespace Cosmo.Local.Host;

/// <summary>The part of <c>host.json</c> that has a meaning on one machine.</summary>
internal sealed class HostJson(IConfiguration json)
{
    /// <summary>Log levels by category.</summary>
    public IConfiguration Logging => json.GetSection("logging");

    /// <summary>What every HTTP route begins with; may be empty. Default <c>api</c>.</summary>
    public string RoutePrefix => (json["extensions:http:routePrefix"] ?? "api").Trim('/');

    /// <summary>How many messages a queue's listener holds in advance: 1 to 65535, default 30.</summary>
    public ushort PrefetchCount => Read<ushort>("extensions:rabbitMQ:prefetchCount", 30);

    /// <summary>The time limit of one invocation. Default 30 minutes.</summary>
    public TimeSpan FunctionTimeout => Read("functionTimeout", TimeSpan.FromMinutes(30));

    public int MaxConcurrentActivities => Read("extensions:durableTask:maxConcurrentActivityFunctions", 10 * Environment.ProcessorCount);

    public int MaxConcurrentOrchestrators => Read("extensions:durableTask:maxConcurrentOrchestratorFunctions", 10 * Environment.ProcessorCount);

    public static HostJson Load()
    {
        var path = ProgramFiles.Find("host.json") ?? throw new StartupException("host.json is missing; it stands beside the functions.");
        try
        {
            return new HostJson(new ConfigurationBuilder().AddJsonFile(path).Build());
        }
        catch (InvalidDataException error)
        {
            throw new StartupException($"host.json is not JSON: {error.InnerException?.Message ?? error.Message}", error);
        }
    }

    private T Read<T>(string place, T fallback)
        where T : IParsable<T>
    {
        var text = json[place];
        return text is null ? fallback
            : T.TryParse(text, CultureInfo.InvariantCulture, out var value) ? value
            : throw new StartupException($"{place} of host.json is '{text}', which is no {typeof(T).Name}.");
    }
}
