namespace Cosmo.Functions.Hosting;

/// <summary>Values that are remembered for a while: at most so many, and the oldest is forgotten first. What failed is not remembered.</summary>
internal sealed class RecentValues<TKey, TValue>(int capacity, TimeSpan lifetime, TimeProvider clock)
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly OrderedDictionary<TKey, (Task<TValue> Value, DateTimeOffset Expires)> _values = [];

    /// <summary>
    /// The value that is remembered, or else the one that is found now: once for all who ask meanwhile. So the search is not ended by
    /// the cancellation of one of them, and must end by itself.
    /// </summary>
    public Task<TValue> GetAsync(TKey key, Func<Task<TValue>> find, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (!_values.TryGetValue(key, out var entry) || entry.Expires <= clock.GetUtcNow() || entry.Value is { IsCompleted: true, IsCompletedSuccessfully: false })
            {
                entry = (Task.Run(find, CancellationToken.None), clock.GetUtcNow() + lifetime);
                _values.Remove(key);
                if (_values.Count == capacity)
                {
                    _values.RemoveAt(0);
                }

                _values.Add(key, entry);
            }

            return entry.Value.WaitAsync(cancellationToken);
        }
    }
}
