namespace Cosmo.Functions.Threads.Index;

/// <summary>How far a comparison of the keys with the index has come: first the keys of each server, then the entries of the index.</summary>
/// <param name="Server">Which of the servers, by name.</param>
/// <param name="Cursor">Where in its keys; 0 is the beginning.</param>
/// <param name="Sweep">Where in the index; null while the keys are not through.</param>
/// <param name="IsComplete">Everything was compared.</param>
internal sealed record IndexPosition(int Server, long Cursor, string? Sweep, bool IsComplete)
{
    public static IndexPosition Start { get; } = new(0, 0, null, false);
}

/// <param name="Keys">How many of the contract's keys were looked at.</param>
/// <param name="Expired">How many entries had lost a key.</param>
/// <param name="Next">Where to go on.</param>
internal sealed record IndexStep(long Keys, long Expired, IndexPosition Next);
