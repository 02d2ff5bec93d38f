namespace Cosmo.Local.Runtime.Durable;

/// <summary>Where the engine keeps its state, and how much it does at once.</summary>
internal sealed record DurableEngineOptions
{
    /// <summary>The SQLite file; it and its folder are made if they are not there.</summary>
    public required string DatabasePath { get; init; }

    /// <summary>Activities that run at once; at least 1 (host.json <c>maxConcurrentActivityFunctions</c>).</summary>
    public int MaxConcurrentActivities { get; init; } = 200;

    /// <summary>Orchestration steps that run at once; at least 1 (host.json <c>maxConcurrentOrchestratorFunctions</c>).</summary>
    public int MaxConcurrentOrchestrators { get; init; } = 100;

    /// <summary>Orchestrations kept in memory between two steps. The others are replayed; with 0 every step is a replay, as in Azure.</summary>
    public int MaxCachedOrchestrations { get; init; } = 1000;

    /// <summary>How long a stop waits for running activities before it cancels them.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(5);
}
