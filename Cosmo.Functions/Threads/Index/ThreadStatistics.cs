namespace Cosmo.Functions.Threads.Index;

/// <summary>How many threads there are, how old and how busy.</summary>
/// <param name="Threads">Channels with a thread.</param>
/// <param name="MetadataEntries">Channels with metadata.</param>
/// <param name="Ages">All channels by the time since their last message; the shares are percentages and sum to 100.</param>
/// <param name="MostActive">The channels with the most messages, at most ten.</param>
/// <param name="Oldest">The channel that has been idle longest; null if there is none.</param>
/// <param name="Newest">The channel that was active last; null if there is none.</param>
/// <param name="Abandoned">Threads that no channel has any more, and that pruning will delete at OpenAI.</param>
/// <param name="Unreadable">Keys of threads or metadata that do not hold what they should, as far as the last comparison saw; what is in them does not count.</param>
/// <param name="IndexedAt">When all keys were last compared with the index; null if never. What Cosmo itself wrote since is counted, what others wrote or expired is not.</param>
internal sealed record ThreadStatistics(
    long Threads,
    long MetadataEntries,
    IReadOnlyList<AgeGroup> Ages,
    long TotalMessages,
    double AverageMessages,
    IReadOnlyList<ChannelMessages> MostActive,
    ChannelActivity? Oldest,
    ChannelActivity? Newest,
    StoredBytes Bytes,
    long Abandoned,
    UnreadableKeys Unreadable,
    DateTimeOffset? IndexedAt);

/// <param name="Keys">The names of those that have been so longest, at most a hundred.</param>
internal sealed record UnreadableKeys(long Count, IReadOnlyList<string> Keys);

/// <param name="Days">From day, up to day: <c>0-1</c>, … <c>90+</c>.</param>
/// <param name="Share">Percentage of all.</param>
internal sealed record AgeGroup(string Days, long Threads, double Share);

internal sealed record ChannelMessages(string Channel, long Messages);

internal sealed record ChannelActivity(string Channel, DateTimeOffset LastMessageAt, DateTimeOffset? CreatedAt);

/// <param name="Total">What threads and metadata take in Redis, keys included.</param>
/// <param name="IsSampled">Whether that is projected from some of the channels.</param>
/// <param name="Channels">How many channels were measured.</param>
internal sealed record StoredBytes(long Total, bool IsSampled, int Channels);
