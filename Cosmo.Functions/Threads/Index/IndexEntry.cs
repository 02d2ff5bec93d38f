namespace Cosmo.Functions.Threads.Index;

/// <summary>What the index knows of a channel.</summary>
/// <param name="ThreadId">Null if it has no thread.</param>
/// <param name="Activity">Unix seconds of the last message; null if nobody knows, which counts as now for a channel that is new to the index.</param>
/// <param name="Messages">Null if it has no metadata.</param>
internal sealed record IndexEntry(string Channel, string? ThreadId, double? Activity, long? Messages);
