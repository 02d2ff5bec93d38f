using System.Globalization;
using System.Reflection;
using Cosmo.Functions.Access;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Approvals;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Threads;
using Cosmo.Functions.Threads.Index;
using StackExchange.Redis;

namespace Cosmo.Functions.Tests.Proof.Simulation;

/// <summary>
/// A twin in C# of each Lua script that turns, fences, deadlines and delivery depend on, found by the script's text: a script that was changed has no twin any more, and
/// says so. They are read line for line beside the scripts, and compared with what a real Redis makes of the same calls (<see cref="RedisMirror"/>).
/// </summary>
internal sealed class ScriptTwins(SimulatedRedis redis)
{
    private delegate RedisResult Twin(ScriptTwins twins, RedisKey[] keys, RedisValue[] args);

    private static readonly RedisResult Nothing = RedisResult.Create(RedisValue.Null);
    private static readonly RedisResult One = RedisResult.Create(1);
    private static readonly RedisResult Zero = RedisResult.Create(0);

    private static readonly Dictionary<string, Twin> ByText = new()
    {
        [UpdateLog.RecordFunction + "return record(KEYS, ARGV)"] = (twins, keys, args) => twins.Record(keys, 0, args, 0),
        [TextOf<UpdateLog>("RecordBothScript")] = (twins, keys, args) => RedisResult.Create([twins.Record(keys, 0, args, 0), twins.Record(keys, 0, args, args.Length / 2)]),
        [TextOf<UpdateLog>("EndScript")] = (twins, keys, _) => twins.FindEnd(keys),
        [TextOf<TurnQueue>("TakeScript")] = (twins, keys, args) => twins.Take(keys, args),
        [TextOf<TurnQueue>("CheckScript")] = (twins, keys, args) => twins.Check(keys, args),
        [TextOf<TurnQueue>("ClaimScript")] = (twins, keys, args) => twins.Claim(keys, args),
        [TextOf<TurnQueue>("MergeScript")] = (twins, keys, args) => twins.Merge(keys, args),
        [TextOf<TurnQueue>("FollowingScript")] = (twins, keys, args) => twins.FindFollowing(keys, args),
        [TextOf<TurnQueue>("KeepScript")] = (twins, keys, args) => twins.KeepTurn(keys, args),
        [TextOf<TurnQueue>("ReleaseScript")] = (twins, keys, args) => twins.Release(keys, args),
        [TextOf<StopSignals>("StopScript")] = (twins, keys, args) => twins.Stop(keys, args),
        [TextOf<MessageMemory>("SetScript")] = (twins, keys, args) => twins.SetFields(keys, args),
        [TextOf<MessageMemory>("ClaimScript")] = (twins, keys, args) => twins.ClaimCall(keys, args),
        [TextOf<ApprovalDesk>("OpenScript")] = (twins, keys, args) => twins.OpenCall(keys, args),
        [TextOf<ApprovalDesk>("DecideScript")] = (twins, keys, args) => twins.DecideCall(keys, args),
        [TextOf<MessageMemory>("KeepScript")] = (twins, keys, args) => twins.KeepField(keys, args),
    };

    /// <summary>
    /// Scripts that nothing of this depends on: threads, what is known of a channel's past, usage. They are answered at once, by a constant, and change nothing: each
    /// channel has its thread.
    /// </summary>
    private static readonly Dictionary<string, Func<RedisKey[], RedisResult>> Indifferent = new()
    {
        [ThreadIndexScripts.Use] = _ => One,
        [ThreadIndexScripts.Record] = _ => Nothing,
        [TextOf<ThreadStore>("ReadAndRenew")] = keys => ((string)keys[0]!).Contains("thread:", StringComparison.Ordinal) ? Text("conv_of:" + ((string)keys[0]!).Split("thread:")[^1]) : Nothing,
        [TextOf<ThreadStore>("Replace")] = _ => Nothing,
        [TextOf<MessageHistory>("RecordScript")] = _ => Nothing,
        [TextOf<MessageHistory>("ForgetScript")] = _ => Nothing,
        [TextOf<UsageLedger>("CountScript")] = _ => One,
    };

    /// <summary>By the very string, once its text was looked at.</summary>
    private static readonly Dictionary<string, (Twin? Twin, Func<RedisKey[], RedisResult>? Constant)> Known = new(ReferenceEqualityComparer.Instance);

    /// <summary>Hears what is published: the pub/sub channel and the message.</summary>
    public Action<string, string>? Published { get; set; }

    /// <summary>Hears of a message that takes a place: its list and its fence.</summary>
    public Action<string, string>? Took { get; set; }

    /// <summary>Hears of a call of a tool that is claimed: its id.</summary>
    public Action<string>? Claimed { get; set; }

    /// <summary>Hears of the message key of what is merged into another.</summary>
    public Action<string>? Merged { get; set; }

    /// <summary>Hears of an update that is recorded: its fence, its kind, its sequence and what it says.</summary>
    public Action<string, string, long, string>? Recorded { get; set; }

    /// <summary>The answer to a script that nothing here depends on; null for one that has a twin.</summary>
    public static RedisResult? AnswerOf(string script, RedisKey[] keys) => Find(script).Constant?.Invoke(keys);

    public RedisResult Evaluate(string script, RedisKey[] keys, RedisValue[] args) => Find(script).Twin!(this, keys, args);

    private static (Twin? Twin, Func<RedisKey[], RedisResult>? Constant) Find(string script)
    {
        lock (Known)
        {
            if (!Known.TryGetValue(script, out var found))
            {
                found = (ByText.GetValueOrDefault(script), Indifferent.GetValueOrDefault(script));
                if (found is (null, null))
                {
                    throw new NotSupportedException("A script has no twin, or not any more:\n" + script);
                }

                Known[script] = found;
            }

            return found;
        }
    }

    private static string TextOf<T>(string name) =>
        (string)(typeof(T).GetField(name, BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.Static)?.GetRawConstantValue() ?? throw new MissingFieldException(typeof(T).Name, name));

    private static long Seconds(RedisValue seconds) => (long)seconds * TimeSpan.TicksPerSecond;

    private static long Milliseconds(RedisValue milliseconds) => (long)milliseconds * TimeSpan.TicksPerMillisecond;

    private static RedisResult Text(string? text) => RedisResult.Create((RedisValue)text);

    private static RedisResult Texts(IEnumerable<string> texts) => RedisResult.Create([.. texts.Select(Text)]);

    /// <summary>The function <c>record</c> of <see cref="UpdateLog.RecordFunction"/>; keys and arguments begin where the other script says.</summary>
    private RedisResult Record(RedisKey[] keys, int firstKey, RedisValue[] args, int firstArg)
    {
        string counter = keys[firstKey]!, log = keys[firstKey + 1]!, fence = keys[firstKey + 2]!, deltas = keys[firstKey + 3]!;
        string kind = args[firstArg]!, once = args[firstArg + 1]!, entry = args[firstArg + 2]!;
        var (now, logKept, fenceKept, counterKept) = ((long)args[firstArg + 3], args[firstArg + 4], args[firstArg + 5], args[firstArg + 6]);
        var final = redis.HashGet(fence, "final");
        if (!final.IsNull)
        {
            return kind == "final" && redis.HashGet(fence, "sent").IsNull
                ? RedisResult.Create([RedisResult.Create(2), RedisResult.Create(final), Text(EntryOf(log, (long)final) ?? ""), Unsettled(fence), RedisResult.Create(redis.Get(deltas))])
                : RedisResult.Create([Zero, RedisResult.Create(final), Text("")]);
        }

        if (once.Length > 0 && !redis.HashSetNew(fence, "once:" + once, "1"))
        {
            return RedisResult.Create([Zero, Text("0"), Text("")]);
        }

        var idle = ((long)counterKept * 1000) - redis.TimeToLive(counter);
        var sequence = (redis.Get(counter) is { IsNull: false } last ? (long)last : 0) + 1;
        var least = (long)args[firstArg + 9];
        if (sequence == 1 || idle > (long)logKept * 1000)
        {
            least = Math.Max(least, now);
        }

        sequence = Math.Max(sequence, least);

        redis.Set(counter, sequence, Seconds(counterKept));
        var text = RedisValue.Null;
        if (kind != "status")
        {
            text = redis.HashGet(fence, "text");
            if (!text.IsNull)
            {
                redis.RemoveScores(log, (double)text, (double)text);
            }

            redis.Hash(fence)[kind == "text" ? "text" : "final"] = sequence;
        }

        if (kind != "final")
        {
            redis.Hash(fence)[string.Create(CultureInfo.InvariantCulture, $"way:{sequence}")] = redis.Time.Milliseconds;
        }

        redis.Add(log, sequence, string.Create(CultureInfo.InvariantCulture, $"{sequence}:{entry}"));
        redis.KeepLast(log, (int)args[firstArg + 7]);
        redis.Expire(log, Seconds(logKept));
        redis.Expire(fence, Seconds(fenceKept));
        Recorded?.Invoke(fence, kind, sequence, entry);
        return RedisResult.Create([
            One, RedisResult.Create(sequence), Text(""), kind == "final" ? Unsettled(fence) : RedisResult.Create(Array.Empty<RedisResult>()), RedisResult.Create(redis.Get(deltas)), RedisResult.Create(text)]);
    }

    private RedisResult Unsettled(string fence)
    {
        var found = new List<RedisResult>();
        foreach (var (field, since) in redis.Hash(fence))
        {
            if (field.StartsWith("way:", StringComparison.Ordinal))
            {
                found.Add(Text(field[4..]));
                found.Add(RedisResult.Create(redis.Time.Milliseconds - (long)since));
            }
        }

        return RedisResult.Create([.. found]);
    }

    private string? EntryOf(string log, long sequence) => redis.Members(log).FirstOrDefault(one => one.Score == sequence).Member;

    private RedisResult FindEnd(RedisKey[] keys)
    {
        string log = keys[0]!, fence = keys[1]!, deltas = keys[2]!;
        var final = redis.HashGet(fence, "final");
        return final.IsNull ? Nothing : RedisResult.Create([
            RedisResult.Create(final), redis.HashExists(fence, "sent") ? One : Zero, Text(EntryOf(log, (long)final) ?? ""), Unsettled(fence), RedisResult.Create(redis.Get(deltas))]);
    }

    private RedisResult Take(RedisKey[] keys, RedisValue[] args)
    {
        string list = keys[0]!, lease = keys[1]!, ending = keys[2]!, taken = keys[3]!, message = keys[4]!, attempt = keys[5]!, text = keys[6]!, body = keys[7]!, fence = keys[10]!;
        string ticket = args[0]!;
        var (duration, most, kept) = (Milliseconds(args[1]), (int)args[2], Seconds(args[3]));
        var known = redis.Get(text);
        if (!known.IsNull && known != args[5])
        {
            return RedisResult.Create([Text("Taken"), Zero]);
        }

        if (redis.HashExists(message, "owner") || redis.HashExists(fence, "final"))
        {
            return RedisResult.Create([Text("Known"), Zero]);
        }

        for (var place = 0; place < redis.Range(list).Count; place++)
        {
            if (redis.Range(list)[place] == ticket)
            {
                return RedisResult.Create([Text(place == 0 ? "Head" : "Waiting"), Zero]);
            }
        }

        if (redis.Range(list).Count > 0 && !redis.Exists(lease))
        {
            redis.Pop(list);
            if (redis.Range(list).Count > 0)
            {
                redis.Set(lease, "", duration);
            }
        }

        var waiting = redis.Range(list).Count;
        if (waiting == 1 && redis.Get(ending) == redis.Head(list))
        {
            most = Math.Max(most, 1);
        }

        if (waiting > most)
        {
            return RedisResult.Create([Text("Refused"), Zero]);
        }

        redis.Set(attempt, args[4], kept);
        redis.Set(text, args[5], Seconds(args[6]));
        redis.Set(body, args[7], Seconds(args[8]));

        // By its own clock, which tells microseconds, Redis takes no two at one moment.
        var now = Math.Max(redis.Time.Milliseconds / 1000.0, redis.Members(taken) is [.., var last] ? last.Score + 0.000001 : 0);
        redis.Add(taken, now, args[9]!);
        redis.RemoveScores(taken, double.NegativeInfinity, now - (long)args[10]);
        redis.Expire(taken, Seconds(args[10]));
        redis.Push(list, ticket);
        redis.Expire(list, kept);
        if (args.Length > 21)
        {
            string tickets = keys[12]!;
            redis.Hash(tickets)[ticket] = args[21];
            redis.Hash(tickets)[ticket + ":member"] = args[9];
            redis.Expire(tickets, kept);
        }

        Took?.Invoke(list, fence);
        if (waiting > 0)
        {
            return RedisResult.Create([Text("Waiting"), One]);
        }

        redis.Set(lease, "", duration);
        return RedisResult.Create([Text("Head"), One, Record(keys, 8, args, 11)]);
    }

    private RedisResult FindFollowing(RedisKey[] keys, RedisValue[] args)
    {
        var taken = redis.Members(keys[0]!);
        var since = taken.Where(one => one.Member == args[0]).Select(one => (double?)one.Score).FirstOrDefault();
        return Texts(since is null ? [] : taken.Where(one => one.Score >= since).Select(one => one.Member));
    }

    private RedisResult Check(RedisKey[] keys, RedisValue[] args)
    {
        string list = keys[0]!, lease = keys[1]!, message = keys[2]!, ticket = args[0]!;
        var (duration, gone, kept) = (Milliseconds(args[1]), args[2], Seconds(args[3]));
        if (!redis.Range(list).Contains(ticket))
        {
            var owner = redis.HashGet(message, "owner");
            if ((!owner.IsNull && owner != args[4]) || redis.HashExists(keys[3]!, "final"))
            {
                return Text(ticket);
            }

            redis.Push(list, ticket);
        }

        redis.Expire(list, kept);
        var head = redis.Head(list);
        var isHeld = redis.Exists(lease);
        if (head != ticket && (head == gone || !isHeld))
        {
            redis.Pop(list);
            head = redis.Head(list);
            isHeld = false;
        }

        if (!isHeld)
        {
            redis.Set(lease, "", duration);
        }

        return Text(head);
    }

    private (RedisValue Owner, string Over) Claim(string message, string fence, RedisValue run, RedisValue kept)
    {
        if (redis.HashExists(fence, "final"))
        {
            return (redis.HashGet(message, "owner") is { IsNull: false } had ? had : "", "over");
        }

        redis.HashSetNew(message, "owner", run);
        redis.Expire(message, Seconds(kept));
        return (redis.HashGet(message, "owner"), "");
    }

    private RedisResult Claim(RedisKey[] keys, RedisValue[] args)
    {
        var (owner, over) = Claim(keys[0]!, keys[1]!, args[0], args[1]);
        return RedisResult.Create([RedisResult.Create(owner), Text(over)]);
    }

    private RedisResult Merge(RedisKey[] keys, RedisValue[] args)
    {
        string message = keys[0]!, fence = keys[1]!, list = keys[2]!, tickets = keys[3]!, merged = keys[4]!;
        var (run, kept, ticket, most, messages, fences, stops) = (args[0], args[1], (string)args[2]!, (int)args[3], (string)args[4]!, (string)args[5]!, (string)args[6]!);
        string[] before = [.. redis.Range(merged)];
        var isClaimed = redis.HashExists(message, "owner");
        var (owner, over) = Claim(message, fence, run, kept);
        if (over == "over")
        {
            return Texts([owner!, over, .. before]);
        }

        if (owner != run)
        {
            return Texts([owner!, ""]);
        }

        if (isClaimed)
        {
            return Texts([run!, "", .. before]);
        }

        var own = Read(tickets, ticket);
        var found = new List<string> { run!, "" };
        if (own is null)
        {
            return Texts(found);
        }

        var (total, isBehind) = (own.Value.Length, false);
        foreach (var other in redis.Range(list).ToArray())
        {
            if (isBehind)
            {
                if (Read(tickets, other) is not { } next || next.Group != own.Value.Group || !next.MayFollow || next.Member is null || total + next.Length > most)
                {
                    break;
                }

                var key = messages + next.Member;
                if (redis.HashExists(key, "owner") || redis.HashExists(fences + next.Member, "final") || redis.Get(stops + other) == "cancelled")
                {
                    break;
                }

                redis.Hash(key)["owner"] = run;
                redis.Hash(key)["leader"] = ticket;
                Merged?.Invoke(key);
                redis.Expire(key, Seconds(kept));
                redis.Remove(list, other);
                redis.HashDelete(tickets, other);
                redis.HashDelete(tickets, other + ":member");
                redis.Push(merged, next.Asked);
                redis.Expire(merged, Seconds(kept));
                total += next.Length;
                found.Add(next.Asked);
            }

            isBehind |= other == ticket;
        }

        return Texts(found);
    }

    /// <summary>A merge ticket: "length group may asked".</summary>
    private (int Length, string Group, bool MayFollow, string Asked, string? Member)? Read(string tickets, string instance) =>
        ((string?)redis.HashGet(tickets, instance))?.Split(' ', 4) is [var length, var group, var may, var asked]
            ? (int.Parse(length, CultureInfo.InvariantCulture), group, may == "1", asked, redis.HashGet(tickets, instance + ":member"))
            : null;

    private RedisResult KeepTurn(RedisKey[] keys, RedisValue[] args)
    {
        if (redis.Head(keys[0]!) == (string?)args[0])
        {
            redis.Set(keys[1]!, "", Milliseconds(args[1]));
            redis.Expire(keys[0]!, Seconds(args[2]));
        }

        return Nothing;
    }

    private RedisResult Release(RedisKey[] keys, RedisValue[] args)
    {
        string list = keys[0]!, lease = keys[1]!, ticket = args[0]!;
        if (args[2] == "1")
        {
            redis.Delete(keys[2]!);
        }

        var was = redis.Head(list);
        redis.Remove(list, ticket);
        if (keys.Length > 3)
        {
            redis.HashDelete(keys[3]!, ticket);
            redis.HashDelete(keys[3]!, ticket + ":member");
        }

        var head = redis.Head(list);
        if (head is null)
        {
            redis.Delete(lease);
            return Text("");
        }

        if (was == ticket)
        {
            redis.Set(lease, "", Milliseconds(args[1]));
        }

        return Text(head);
    }

    private RedisResult Stop(RedisKey[] keys, RedisValue[] args)
    {
        string key = keys[0]!;
        if (!redis.Exists(key))
        {
            redis.Set(key, args[0], Seconds(args[1]));
        }

        Published?.Invoke(args[2]!, $"{redis.Get(key)} {args[3]}");
        return Nothing;
    }

    private RedisResult SetFields(RedisKey[] keys, RedisValue[] args)
    {
        for (var i = 1; i < args.Length; i += 2)
        {
            redis.Hash(keys[0]!)[args[i]!] = args[i + 1];
        }

        redis.Expire(keys[0]!, Seconds(args[0]));
        return Nothing;
    }

    private RedisResult ClaimCall(RedisKey[] keys, RedisValue[] args)
    {
        string message = keys[0]!, claims = keys[1]!, field = args[0]!;
        if (redis.HashSetNew(message, field, args[1]))
        {
            Claimed?.Invoke(args[3]!);
        }

        redis.Expire(message, Seconds(args[2]));
        redis.Add(claims, (double)args[4], args[3]!);
        redis.KeepLast(claims, (int)args[5]);
        redis.Expire(claims, Seconds(args[6]));
        return redis.HashGet(message, field) == args[1] ? One : Nothing;
    }

    private RedisResult OpenCall(RedisKey[] keys, RedisValue[] args)
    {
        redis.HashSetNew(keys[0]!, args[0]!, "pending");
        redis.Expire(keys[0]!, Seconds(args[1]));
        return Nothing;
    }

    private RedisResult DecideCall(RedisKey[] keys, RedisValue[] args)
    {
        var was = redis.HashGet(keys[0]!, args[0]!);
        if (was == "pending")
        {
            redis.Hash(keys[0]!)[args[0]!] = args[1];
        }

        return RedisResult.Create(was);
    }

    private RedisResult KeepField(RedisKey[] keys, RedisValue[] args)
    {
        redis.HashSetNew(keys[0]!, args[0]!, args[1]);
        redis.Expire(keys[0]!, Seconds(args[2]));
        return RedisResult.Create(redis.HashGet(keys[0]!, args[0]!));
    }
}
