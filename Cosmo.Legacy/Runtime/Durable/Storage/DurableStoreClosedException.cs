namespace Cosmo.Local.Runtime.Durable.Storage;

/// <summary>The engine has stopped, or a commit failed before: nothing is written any more.</summary>
internal sealed class DurableStoreClosedException(Exception? cause) : Exception(
    "The durable engine does not take any more work: " + (cause is null ? "it has stopped." : "a commit to its database failed."), cause);
