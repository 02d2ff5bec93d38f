namespace Cosmo.Functions.Threads;

/// <summary>Which OpenAI conversation belongs to a channel. Keys, values and expiries are the wire contract's.</summary>
internal interface IThreadStore
{
    /// <summary>The channel's thread id, or null. Renews the expiry of the thread and of its metadata.</summary>
    Task<string?> FindAsync(string channel, CancellationToken cancellationToken);

    /// <summary>Sets the channel's thread. Metadata that exists stays; else it is made, with no messages yet.</summary>
    Task SaveAsync(string channel, string threadId, CancellationToken cancellationToken);

    /// <summary>Counts a message in the metadata and marks the channel as active now. A message id that was the last one counted is not counted again.</summary>
    Task CountMessageAsync(string channel, string messageId, CancellationToken cancellationToken);
}
