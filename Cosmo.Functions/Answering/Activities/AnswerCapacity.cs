namespace Cosmo.Functions.Answering.Activities;

/// <summary>
/// How many answers of the model this process hears at once. One waits far more than it works, so memory is what bounds them; what comes beyond is told so at once,
/// and is not left to wait until its deadline.
/// </summary>
internal sealed class AnswerCapacity
{
    /// <summary>Less than host.json's <c>maxConcurrentActivityFunctions</c>: tools, ends and dead letters have room in any case.</summary>
    public const int Most = 1500;

    /// <summary>What one takes at most: four times what a thousand of them took each, with 4,000 characters (docs/performance.md).</summary>
    private const long BytesEach = 1_000_000;

    private readonly long _most;
    private long _running;

    public AnswerCapacity()
        : this(MostIn(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes))
    {
    }

    internal AnswerCapacity(long most) => _most = most;

    /// <summary>How many a process may hear that has so much memory: half of it is theirs.</summary>
    /// <param name="memory">Bytes.</param>
    public static long MostIn(long memory) => Math.Clamp(memory / 2 / BytesEach, 1, Most);

    /// <summary>A place, to be disposed of when the answer is over; null when there is none left.</summary>
    /// <param name="isUnderWay">The answer has begun before: it goes on in any case.</param>
    public IDisposable? TryTake(bool isUnderWay)
    {
        if (Interlocked.Increment(ref _running) <= _most || isUnderWay)
        {
            return new Place(this);
        }

        Interlocked.Decrement(ref _running);
        return null;
    }

    private sealed class Place(AnswerCapacity capacity) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref capacity._running);
    }
}
