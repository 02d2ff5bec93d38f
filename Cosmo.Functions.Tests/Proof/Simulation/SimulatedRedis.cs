using StackExchange.Redis;

namespace Cosmo.Functions.Tests.Proof.Simulation;

/// <summary>
/// As much of Redis as <see cref="ScriptTwins"/> need: keys of four types that expire by the time of the schedule. What Redis answers of it is compared with the
/// real one (<see cref="RedisMirror"/>).
/// </summary>
internal sealed class SimulatedRedis(SimulatedTime time)
{
    private Dictionary<string, RedisEntry> _keys = [];

    public SimulatedTime Time => time;

    /// <summary>Hears of a key that has expired.</summary>
    public Action<string>? Expired { get; set; }

    /// <summary>All keys that have not expired.</summary>
    public IReadOnlyDictionary<string, RedisEntry> FindKeys()
    {
        foreach (var key in _keys.Keys.ToList())
        {
            Find(key);
        }

        return _keys;
    }

    /// <summary>All that there is now, to come back to.</summary>
    public IReadOnlyDictionary<string, RedisEntry> Copy() => _keys.ToDictionary(pair => pair.Key, pair => pair.Value.Copy());

    /// <summary>Only what was copied then is there from now on.</summary>
    public void Restore(IReadOnlyDictionary<string, RedisEntry> copy) => _keys = copy.ToDictionary(pair => pair.Key, pair => pair.Value.Copy());

    public bool Exists(string key) => Find(key) is not null;

    public RedisValue Get(string key) => Find(key)?.Text ?? RedisValue.Null;

    /// <summary>As <c>SET</c>: whatever was there goes, its expiry too.</summary>
    public void Set(string key, RedisValue value, long expiry = long.MaxValue) =>
        _keys[key] = new RedisEntry { Text = value, ExpiresAt = expiry == long.MaxValue ? expiry : time.Now + expiry };

    public bool Delete(string key) => Find(key) is not null && _keys.Remove(key);

    public void Expire(string key, long expiry)
    {
        if (Find(key) is { } entry)
        {
            entry.ExpiresAt = time.Now + expiry;
        }
    }

    /// <summary>As <c>PTTL</c>: milliseconds; -1 for a key that does not expire, -2 for none.</summary>
    public long TimeToLive(string key) =>
        Find(key) is not { } entry ? -2 : entry.ExpiresAt == long.MaxValue ? -1 : (entry.ExpiresAt - time.Now) / TimeSpan.TicksPerMillisecond;

    /// <summary>The list, made if there is none; an empty one is no key any more once <see cref="Drop"/> has seen it.</summary>
    public List<string> List(string key) => FindOrAdd(key).List ??= [];

    public Dictionary<string, RedisValue> Hash(string key) => FindOrAdd(key).Hash ??= [];

    public List<(double Score, string Member)> SortedSet(string key) => FindOrAdd(key).SortedSet ??= [];

    public RedisValue HashGet(string key, string field) =>
        Find(key)?.Hash is { } hash && hash.TryGetValue(field, out var value) ? value : RedisValue.Null;

    public bool HashExists(string key, string field) => Find(key)?.Hash?.ContainsKey(field) == true;

    /// <summary>As <c>HSETNX</c>.</summary>
    public bool HashSetNew(string key, string field, RedisValue value) => Hash(key).TryAdd(field, value);

    public void HashDelete(string key, string field)
    {
        if (Find(key)?.Hash is { } hash && hash.Remove(field) && hash.Count == 0)
        {
            _keys.Remove(key);
        }
    }

    public IReadOnlyList<string> Range(string key) => Find(key)?.List ?? (IReadOnlyList<string>)[];

    /// <summary>As <c>LINDEX 0</c>.</summary>
    public string? Head(string key) => Find(key)?.List is [var head, ..] ? head : null;

    public void Push(string key, string item) => List(key).Add(item);

    public void Pop(string key)
    {
        if (Find(key)?.List is { } list)
        {
            list.RemoveAt(0);
            Drop(key, list.Count);
        }
    }

    /// <summary>As <c>LREM 0</c>.</summary>
    public void Remove(string key, string item)
    {
        if (Find(key)?.List is { } list)
        {
            list.RemoveAll(one => one == item);
            Drop(key, list.Count);
        }
    }

    /// <summary>As <c>ZADD</c>: by score, then by member.</summary>
    public void Add(string key, double score, string member)
    {
        var set = SortedSet(key);
        set.RemoveAll(one => one.Member == member);
        var at = set.FindIndex(one => one.Score > score || (one.Score == score && string.CompareOrdinal(one.Member, member) > 0));
        set.Insert(at < 0 ? set.Count : at, (score, member));
    }

    public IReadOnlyList<(double Score, string Member)> Members(string key) => Find(key)?.SortedSet ?? (IReadOnlyList<(double, string)>)[];

    /// <summary>As <c>ZREMRANGEBYSCORE</c>.</summary>
    public void RemoveScores(string key, double from, double to)
    {
        if (Find(key)?.SortedSet is { } set)
        {
            set.RemoveAll(one => one.Score >= from && one.Score <= to);
            Drop(key, set.Count);
        }
    }

    /// <summary>Keeps the newest, as <c>ZREMRANGEBYRANK 0 -1-most</c> does.</summary>
    public void KeepLast(string key, int most)
    {
        if (Find(key)?.SortedSet is { } set && set.Count > most)
        {
            set.RemoveRange(0, set.Count - most);
        }
    }

    private void Drop(string key, int count)
    {
        if (count == 0)
        {
            _keys.Remove(key);
        }
    }

    private RedisEntry FindOrAdd(string key)
    {
        if (Find(key) is not { } entry)
        {
            _keys[key] = entry = new RedisEntry();
        }

        return entry;
    }

    private RedisEntry? Find(string key)
    {
        if (!_keys.TryGetValue(key, out var entry))
        {
            return null;
        }

        if (entry.ExpiresAt > time.Now)
        {
            return entry;
        }

        _keys.Remove(key);
        Expired?.Invoke(key);
        return null;
    }
}

/// <summary>A key of one of four types: the others are null.</summary>
internal sealed class RedisEntry
{
    public RedisValue? Text { get; init; }

    public List<string>? List { get; set; }

    public Dictionary<string, RedisValue>? Hash { get; set; }

    public List<(double Score, string Member)>? SortedSet { get; set; }

    /// <summary>In ticks of UTC.</summary>
    public long ExpiresAt { get; set; } = long.MaxValue;

    public RedisEntry Copy() => new()
    {
        Text = Text,
        List = List is null ? null : [.. List],
        Hash = Hash is null ? null : new(Hash),
        SortedSet = SortedSet is null ? null : [.. SortedSet],
        ExpiresAt = ExpiresAt,
    };
}
