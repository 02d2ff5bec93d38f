using StackExchange.Redis;

namespace Cosmo.Functions.Threads.Index;

/// <summary>Walks through the keys of one server with <c>SCAN</c>. A page that is read again gives at least what it gave before.</summary>
internal sealed class KeyScan(IServer server, int database, string pattern, int pageSize)
{
    /// <summary>How many keys are read in one go, at least, if there are as many.</summary>
    private const int Enough = 2000;

    /// <summary>Some of the keys, and the cursor behind them; 0 begins and ends.</summary>
    public Task<(long Next, IReadOnlyList<string> Keys)> ReadAsync(long cursor, CancellationToken cancellationToken) =>
        Task.Run(() => Read(cursor, cancellationToken), cancellationToken);

    // The client has SCAN as an enumeration only, whose cursor is that of the page that it is in.
    private (long Next, IReadOnlyList<string> Keys) Read(long cursor, CancellationToken cancellationToken)
    {
        var keys = new List<string>();
        using var enumerator = server.Keys(database, pattern, pageSize, cursor).GetEnumerator();
        while (enumerator.MoveNext())
        {
            cancellationToken.ThrowIfCancellationRequested();
            var at = ((IScanningCursor)enumerator).Cursor;
            if (at != cursor && keys.Count >= Enough)
            {
                return (at, keys);
            }

            keys.Add((string)enumerator.Current!);
        }

        return (0, keys);
    }
}
