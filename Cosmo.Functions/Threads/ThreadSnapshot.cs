using Cosmo.Functions.Threads.Index;

namespace Cosmo.Functions.Threads;

/// <summary>The contract's keys of a channel as they stood at one moment.</summary>
/// <param name="ThreadId">The thread key's value; null if there is none.</param>
/// <param name="MetadataText">The metadata key's value; null if there is none.</param>
internal sealed record ThreadSnapshot(string Channel, string? ThreadId, string? MetadataText)
{
    /// <summary>Null if there is none, or none that can be read.</summary>
    public ThreadMetadata? Metadata { get; } = MetadataText is null ? null : ThreadMetadata.Parse(MetadataText);

    public bool Exists => ThreadId is not null || MetadataText is not null;

    public IndexEntry ToEntry() => new(Channel, ThreadId, Metadata?.LastActivity, MetadataText is null ? null : Metadata?.Messages ?? 0);
}
