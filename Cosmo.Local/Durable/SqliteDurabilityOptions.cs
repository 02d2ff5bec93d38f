using System.Globalization;
using Cosmo.Local.Durable.Storage;
using Cosmo.Local.Host;

namespace Cosmo.Local.Durable;

/// <summary>Where the durable database is, and how much is done at once.</summary>
internal sealed record SqliteDurabilityOptions
{
    /// <summary>The file; it and its folder are made if they are not there.</summary>
    public required string DatabasePath { get; init; }

    /// <summary>host.json <c>extensions:durableTask:storageProvider:synchronous</c>, <c>NORMAL</c> or <c>FULL</c>; NORMAL by default.</summary>
    public Synchronous Synchronous { get; init; } = Synchronous.Normal;

    /// <summary>Activities at once; at least 1 (host.json <c>maxConcurrentActivityFunctions</c>).</summary>
    public int MaxConcurrentActivities { get; init; } = 200;

    /// <summary>Steps of orchestrations at once, and of entities; at least 1 (host.json <c>maxConcurrentOrchestratorFunctions</c>, <c>maxConcurrentEntityFunctions</c>).</summary>
    public int MaxConcurrentOrchestrators { get; init; } = 100;

    public int MaxConcurrentEntities { get; init; } = 100;

    /// <summary>Characters of histories that are kept in memory between two steps, all instances together. Others are read when they are worked on.</summary>
    public int LiveHistoryLength { get; init; } = 16 * 1024 * 1024;

    /// <exception cref="StartupException">The value is none of the two.</exception>
    public static Synchronous ReadSynchronous(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture)?.ToUpperInvariant() switch
    {
        null or "" or "NORMAL" => Synchronous.Normal,
        "FULL" => Synchronous.Full,
        var other => throw new StartupException($"extensions:durableTask:storageProvider:synchronous is '{other}'; it has to be NORMAL or FULL."),
    };
}
