using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Cosmo.Functions.Hosting;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Tests.Proof.Simulation;

/// <summary>
/// The connection of one process to the Redis of its schedule. What is asked is carried out in the order in which it was asked, and answered in that order; when, each time
/// the scheduler says. A process that dies leaves some of it carried out and hears of none.
/// </summary>
internal sealed class SimulatedRedisConnection : RedisConnection
{
    /// <summary>So many milliseconds pass at least before a replica has taken over: far more updates than are ever recorded within one.</summary>
    private const long ShortestTakeover = 100;

    private readonly Schedule _schedule;
    private readonly IDatabase _database;
    private readonly List<Action<string>> _handlers = [];
    private long _awayUntil;
    private long _lostSightAt;

    public SimulatedRedisConnection(Schedule schedule, IOptions<RedisOptions> options)
        : base(options)
    {
        _schedule = schedule;
        _lostSightAt = schedule.Time.Milliseconds;
        _database = DispatchProxy.Create<IDatabase, SimulatedDatabase>();
        ((SimulatedDatabase)_database).Connection = this;
    }

    /// <summary>What was asked and is not carried out yet.</summary>
    public Queue<RedisCall> Calls { get; } = new();

    /// <summary>What was carried out, and whose answer is on its way.</summary>
    public Queue<RedisCall> Answers { get; } = new();

    public IReadOnlyList<Action<string>> Handlers => _handlers;

    public override long LostSightAt => _lostSightAt;

    public override Task<T> RunAsync<T>(Func<IDatabase, Task<T>> command, CancellationToken cancellationToken) => command(_database).WaitAsync(cancellationToken);

    public override Task<RedisResult> EvaluateAsync(string script, RedisKey[] keys, RedisValue[] values, CancellationToken cancellationToken) =>
        ScriptTwins.AnswerOf(script, keys) is { } constant
            ? Task.FromResult(constant)
            : Ask(() => _schedule.Twins.Evaluate(script, keys, values), answer => _schedule.Mirror?.Compare(script, keys, values, answer)).WaitAsync(cancellationToken);

    public override Task SubscribeAsync(string channel, Action<string> handler, CancellationToken cancellationToken)
    {
        _handlers.Add(handler);
        return Task.CompletedTask;
    }

    /// <summary>The connection breaks, and for so long there is none: of what was asked some was carried out, and none of it is answered.</summary>
    public void Break(TimeSpan away)
    {
        _awayUntil = _schedule.Time.Now + away.Ticks;
        for (var left = _schedule.Trouble.Next(Calls.Count + 1); left > 0; left--)
        {
            var call = Calls.Dequeue();
            call.CarryOut();
            Answers.Enqueue(call);
        }

        FailAll();
    }

    /// <summary>Another Redis is there at once, which was told less.</summary>
    public void FailOver()
    {
        FailAll();
        _lostSightAt = _schedule.Time.Milliseconds + ShortestTakeover;
    }

    private void FailAll()
    {
        foreach (var call in Answers.Concat(Calls))
        {
            call.Fails = true;
        }
    }

    private Task<T> Ask<T>(Func<T> carryOut, Action<T> compare)
    {
        _schedule.CheckThread();
        var call = new RedisCall<T>(carryOut, compare, _schedule.By(Delay.Redis)) { Fails = _schedule.Time.Now < _awayUntil };
        Calls.Enqueue(call);
        return call.Answered;
    }

    /// <summary>The commands that are no scripts. Made by reflection: the interface has some hundreds.</summary>
    [SuppressMessage("Performance", "CA1852", Justification = "The proxy is derived from it.")]
    internal class SimulatedDatabase : DispatchProxy
    {
        public SimulatedRedisConnection Connection { get; set; } = null!;

        private SimulatedRedis Redis => Connection._schedule.Redis;

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            var (name, given) = (targetMethod!.Name, args!);
            if (name == nameof(IDatabase.ExecuteAsync))
            {
                // Which channel a message belongs to, for operators.
                return Task.FromResult(RedisResult.Create(RedisValue.Null));
            }

            string key = given[0] is RedisKey one ? (string)one! : "";
            return (name, given.Length > 1 ? given[1] : null) switch
            {
                (nameof(IDatabase.StringGetAsync), _) => Ask(() => Redis.Get(key)),
                (nameof(IDatabase.StringSetAsync), RedisValue value) => Ask(() => Set(key, value)),
                (nameof(IDatabase.HashGetAsync), RedisValue field) => Ask(() => Redis.HashGet(key, field!)),
                (nameof(IDatabase.HashGetAsync), RedisValue[] fields) => Ask(() => fields.Select(field => Redis.HashGet(key, field!)).ToArray()),
                (nameof(IDatabase.HashExistsAsync), RedisValue field) => Ask(() => Redis.HashExists(key, field!)),
                (nameof(IDatabase.HashSetAsync), RedisValue field) => Ask(() => SetField(key, field!, (RedisValue)given[2]!)),
                (nameof(IDatabase.HashDeleteAsync), RedisValue field) => Forget(() => Redis.HashDelete(key, field!), () => DeleteField(key, field!)),
                (nameof(IDatabase.KeyDeleteAsync), _) when given[0] is RedisKey[] keys => Ask(() => (long)keys.Count(other => Redis.Delete(other!))),
                (nameof(IDatabase.ListRangeAsync), _) => Ask(() => Redis.Range(key).Select(item => (RedisValue)item).ToArray()),
                (nameof(IDatabase.SortedSetRangeByScoreAsync), double from) => Ask(() => Between(key, from, (double)given[2]!).Select(member => (RedisValue)member.Member).ToArray()),
                (nameof(IDatabase.SortedSetRangeByScoreWithScoresAsync), double after) =>
                    Ask(() => Between(key, after, double.PositiveInfinity).Where(member => member.Score > after).Select(member => new SortedSetEntry(member.Member, member.Score)).ToArray()),
                _ => throw new NotSupportedException($"{name} is not simulated."),
            };

            Task<T> Ask<T>(Func<T> carryOut) => Connection.Ask(carryOut, answer => Connection._schedule.Mirror?.Compare(targetMethod, given, answer));

            // Asked without waiting for an answer.
            Task<bool> Forget(Action carryOut, Action mirror)
            {
                _ = Connection.Ask(
                    () =>
                    {
                        carryOut();
                        return true;
                    },
                    _ => mirror());
                return Task.FromResult(false);
            }
        }

        private void DeleteField(string key, string field) => Connection._schedule.Mirror?.DeleteField(key, field);

        private bool Set(string key, RedisValue value)
        {
            // The one that is set so: that a message is about to be over.
            Redis.Set(key, value, TimeSpan.TicksPerMinute);
            return true;
        }

        private bool SetField(string key, string field, RedisValue value)
        {
            var isNew = !Redis.HashExists(key, field);
            Redis.Hash(key)[field] = value;
            return isNew;
        }

        private IEnumerable<(double Score, string Member)> Between(string key, double from, double to) => Redis.Members(key).Where(member => member.Score >= from && member.Score <= to);
    }
}

/// <summary>One call to Redis: carried out, then answered.</summary>
internal abstract class RedisCall(long by)
{
    /// <summary>When it is answered at the latest, in ticks of UTC.</summary>
    public long By => by;

    /// <summary>It is not carried out any more, if it was not before, and its answer does not arrive.</summary>
    public bool Fails { get; set; }

    public abstract void CarryOut();

    public abstract void Answer();
}

internal sealed class RedisCall<T>(Func<T> carryOut, Action<T> compare, long by) : RedisCall(by)
{
    private readonly TaskCompletionSource<T> _answered = new();
    private T _answer = default!;

    public Task<T> Answered => _answered.Task;

    public override void CarryOut()
    {
        if (!Fails)
        {
            _answer = carryOut();
            compare(_answer);
        }
    }

    public override void Answer()
    {
        if (Fails)
        {
            _answered.SetException(new RedisConnectionException(ConnectionFailureType.SocketClosed, CommandFlags.None, "The connection broke."));
        }
        else
        {
            _answered.SetResult(_answer);
        }
    }
}
