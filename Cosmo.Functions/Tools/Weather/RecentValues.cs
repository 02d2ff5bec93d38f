using System.Diagnostics.CodeAnalysis;

namespace Cosmo.Functions.Tools.Weather;

/// <summary>Values that are remembered for a while: at most so many, and the oldest is forgotten first.</summary>
internal sealed class RecentValues<TKey, TValue>(int capacity, TimeSpan lifetime, TimeProvider time)
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly OrderedDictionary<TKey, (TValue Value, DateTimeOffset Expires)> _values = [];

    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        lock (_lock)
        {
            var found = _values.TryGetValue(key, out var entry) && entry.Expires > time.GetUtcNow();
            value = found ? entry.Value : default;
            return found;
        }
    }

    public void Set(TKey key, TValue value)
    {
        lock (_lock)
        {
            _values.Remove(key);
            if (_values.Count == capacity)
            {
                _values.RemoveAt(0);
            }

            _values.Add(key, (value, time.GetUtcNow() + lifetime));
        }
    }
}
