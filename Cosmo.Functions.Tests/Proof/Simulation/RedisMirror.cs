using System.Collections;
using System.Globalization;
using System.Reflection;
using StackExchange.Redis;

namespace Cosmo.Functions.Tests.Proof.Simulation;

/// <summary>
/// A real Redis that is asked whatever the simulated one is, in the same order, and must answer the same and end with the same keys. Time is not compared: that of the
/// schedule is made up. What expires there is deleted here.
/// </summary>
internal sealed class RedisMirror(IDatabase database, string prefix)
{
    private const string KeysScript = "return redis.call('KEYS', ARGV[1] .. '*')";

    private List<(RedisKey Key, byte[] Value, TimeSpan? Expiry)> _copy = [];

    public string Prefix => prefix;

    /// <summary>How many answers were compared.</summary>
    public int Compared { get; private set; }

    public void Compare(string script, RedisKey[] keys, RedisValue[] values, RedisResult answer)
    {
        var real = TextOf(database.ScriptEvaluate(script, keys, values));
        Compare(real, TextOf(answer), script);
    }

    public void Compare(MethodInfo method, object?[] args, object? answer)
    {
        var task = (Task)method.Invoke(database, args)!;
        task.GetAwaiter().GetResult();
        Compare(TextOf(task.GetType().GetProperty("Result")!.GetValue(task)), TextOf(answer), method.Name);
    }

    public void Set(string key, long value) => database.StringSet(key, value);

    public void DeleteField(string key, string field) => database.HashDelete(key, field);

    public void Expire(string key) => database.KeyDelete(key);

    /// <summary>Remembers what there is now, or that there is nothing.</summary>
    public void Copy(bool nothing) => _copy = nothing ? [] : [.. FindKeys().Select(key => (key, database.KeyDump(key)!, database.KeyTimeToLive(key)))];

    /// <summary>Only what is remembered is there from now on.</summary>
    public void Restore()
    {
        database.KeyDelete(FindKeys());
        foreach (var (key, value, expiry) in _copy)
        {
            database.KeyRestore(key, value, expiry);
        }
    }

    /// <summary>Compares what is left, and removes it.</summary>
    public void CompareKeys(SimulatedRedis simulated)
    {
        var expected = simulated.FindKeys().ToDictionary(pair => pair.Key, pair => TextOf(pair.Value));
        var keys = FindKeys();
        var real = keys.ToDictionary(key => (string)key!, key => TextOf((string)key!));
        foreach (var name in expected.Keys.Union(real.Keys).Order(StringComparer.Ordinal))
        {
            Compare(real.GetValueOrDefault(name, "no key"), expected.GetValueOrDefault(name, "no key"), name);
        }

        database.KeyDelete(keys);
    }

    private RedisKey[] FindKeys() => (RedisKey[])database.ScriptEvaluate(KeysScript, [], [prefix])!;

    private void Compare(string real, string simulated, string what)
    {
        Compared++;
        if (real != simulated)
        {
            throw new SimulationException($"Redis and its twin differ.\nRedis: {real}\nTwin:  {simulated}\nAt:    {what}");
        }
    }

    /// <summary>An answer; the ages in it, which stand second in pairs in a list within a list, are left out, and the pairs are put in order.</summary>
    private static string TextOf(RedisResult result) => result.Length < 0 ? ((string?)result is { } text ? $"'{text}'" : "nil")
        : "[" + string.Join(", ", Enumerable.Range(0, result.Length).Select(i => i == 3 && result[i].Length >= 0 ? SequencesOf(result[i]) : TextOf(result[i]))) + "]";

    private static string SequencesOf(RedisResult pairs) =>
        "{" + string.Join(", ", Enumerable.Range(0, pairs.Length / 2).Select(i => (string)pairs[2 * i]!).Order(StringComparer.Ordinal)) + "}";

    private static string TextOf(object? answer) => answer switch
    {
        RedisValue value => value.IsNull ? "nil" : (string)value!,
        SortedSetEntry entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Score}: {entry.Element}"),
        IEnumerable many and not string => "[" + string.Join(", ", many.Cast<object?>().Select(TextOf)) + "]",
        _ => Convert.ToString(answer, CultureInfo.InvariantCulture) ?? "nil",
    };

    private static string TextOf(RedisEntry entry) => (entry.ExpiresAt < long.MaxValue ? "expiring " : "") + entry switch
    {
        { Text: { } text } => $"text {text}",
        { List: { } list } => "list " + string.Join(", ", list),
        { Hash: { } hash } => TextOf(hash.Select(pair => (pair.Key, (string)pair.Value!))),
        _ => TextOf(entry.SortedSet!),
    };

    private static string TextOf(IEnumerable<(string Key, string Value)> fields) => "hash " + string.Join(
        ", ", fields.Select(field => field.Key.StartsWith("way:", StringComparison.Ordinal) ? field.Key : $"{field.Key}={field.Value}").Order(StringComparer.Ordinal));

    /// <summary>Scores that are sequences are compared; those that are the time of the server are not.</summary>
    private static string TextOf(IEnumerable<(double Score, string Member)> members) =>
        "set " + string.Join(", ", members.Select(member => member.Member.StartsWith($"{member.Score}:", StringComparison.Ordinal) ? $"{member.Score} {member.Member}" : member.Member).Order(StringComparer.Ordinal));

    private string TextOf(string key) => (database.KeyTimeToLive(key) is null ? "" : "expiring ") + database.KeyType(key) switch
    {
        RedisType.String => $"text {database.StringGet(key)}",
        RedisType.List => "list " + string.Join(", ", database.ListRange(key)),
        RedisType.Hash => TextOf(database.HashGetAll(key).Select(field => ((string)field.Name!, (string)field.Value!))),
        RedisType.SortedSet => TextOf(database.SortedSetRangeByRankWithScores(key).Select(entry => (entry.Score, (string)entry.Element!))),
        var other => other.ToString(),
    };
}
