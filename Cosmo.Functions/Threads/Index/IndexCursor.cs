using StackExchange.Redis;

namespace Cosmo.Functions.Threads.Index;

/// <summary>How far a walk through the index, in the order of its scores, has come. What it leaves in place it does not meet again.</summary>
/// <param name="Score">Where to go on; null is the beginning.</param>
/// <param name="Skip">How many with this very score were left in place.</param>
internal sealed record IndexCursor(double? Score, int Skip)
{
    public static IndexCursor Start { get; } = new(null, 0);

    /// <summary>The cursor behind what was visited, of which some was left in place.</summary>
    public IndexCursor Advance(IReadOnlyList<(SortedSetEntry Entry, bool IsLeft)> visited)
    {
        if (visited.Count == 0)
        {
            return this;
        }

        var last = visited[^1].Entry.Score;
        var skip = visited.Count(one => one.IsLeft && one.Entry.Score == last);
        return new IndexCursor(last, last == Score ? Skip + skip : skip);
    }
}
