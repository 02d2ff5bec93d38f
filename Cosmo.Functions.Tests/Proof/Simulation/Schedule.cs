using System.Runtime.CompilerServices;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Proof.Simulation;

/// <summary>What is waited for.</summary>
internal enum Delay
{
    Redis,
    Send,
    Store,
}

/// <summary>A promise was broken, or a twin differs from its script.</summary>
internal sealed class SimulationException(string message) : Exception(message);

/// <summary>
/// One schedule: some messages, some processes, one Redis, one clock, and one thread on which all of it runs. Whatever the product waits for, it waits for a decision
/// here, which a seed makes: whose call to Redis is carried out next, whose answer arrives, which request reaches the clients, whether the clock goes on to the next timer, and
/// at which of these moments a process dies.
/// </summary>
internal sealed class Schedule
{
    /// <summary>A schedule that comes this far turns in a circle.</summary>
    private const int MostSteps = 20_000;

    /// <summary>How often what was abandoned is looked for.</summary>
    private static readonly TimeSpan Sweep = TimeSpan.FromMinutes(10);

    private readonly SeededRandom _loss;
    private readonly List<Step> _open = [];
    private readonly List<SimulatedWorker> _workers = [];

    /// <summary>Kept, since what is collected is finalized, and a finalizer decides for itself when: that of a PeriodicTimer lets whoever waits for it go on.</summary>
    private readonly List<SimulatedWorker> _dead = [];
    private readonly SimulatedStore[] _stores;
    private readonly OneThread _thisThread = new();
    private readonly SimulatedClock _clock;
    private readonly IOptions<RedisOptions> _redisOptions;
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private int _deathsLeft;
    private int _breaksLeft;
    private IReadOnlyDictionary<string, RedisEntry>? _copy;
    private int _processes;

    /// <param name="seed">All decisions.</param>
    /// <param name="mirror">A real Redis beside the simulated one; null for none.</param>
    /// <param name="tell">Hears of each step; null where nobody wants to.</param>
    public Schedule(ulong seed, RedisMirror? mirror = null, Action<string>? tell = null)
    {
        Random = new SeededRandom(seed);
        Trouble = new SeededRandom(~seed);
        _loss = new SeededRandom(seed ^ 0x5555555555555555);
        Sockets = new SeededRandom(seed ^ 0x2323232323232323);
        Ends = new SeededRandom(seed ^ 0x8888888888888888);
        Time = new SimulatedTime { IsLastingAwaited = () => Plan!.HasSockets && _workers.Exists(worker => worker.HasBusySocket) };
        Plan = new Plan(Random, Trouble, _loss, new SeededRandom(seed ^ 0xBBBBBBBBBBBBBBBB), new SeededRandom(seed ^ 0x2222222222222222), Sockets, Ends);
        Mirror = mirror;
        Trace = tell;
        _clock = new SimulatedClock(Time);
        (_deathsLeft, _breaksLeft) = (Plan.Deaths, Plan.Breaks);
        _redisOptions = Options.Create(new RedisOptions { Url = "redis://simulated", Prefix = mirror?.Prefix ?? "s:" });
        Redis = new SimulatedRedis(Time) { Expired = key => Mirror?.Expire(key) };
        Promises = new Promises(this, _redisOptions.Value.Prefix);
        Twins = new ScriptTwins(Redis) { Published = Publish, Took = Promises.Take, Claimed = Promises.Execute, Merged = Promises.Merge, Recorded = Promises.Record };
        _stores = [.. Enumerable.Range(0, Plan.Stores).Select(_ => new SimulatedStore(this))];
        for (var i = 0; i < Plan.Workers; i++)
        {
            _workers.Add(new SimulatedWorker(this, _stores[i % Plan.Stores], _redisOptions, ++_processes));
        }
    }

    public SeededRandom Random { get; }

    /// <summary>How long processes were without Redis, all together.</summary>
    public TimeSpan RedisAway { get; private set; }

    /// <summary>A process has died.</summary>
    public bool HasKilled => _deathsLeft < Plan.Deaths;

    /// <summary>A process has lost its connection to Redis.</summary>
    public bool HasBroken => _breaksLeft < Plan.Breaks;

    /// <summary>Decides when Redis cannot be reached, and what of it was carried out.</summary>
    public SeededRandom Trouble { get; }

    /// <summary>Decides what becomes of WebSockets.</summary>
    public SeededRandom Sockets { get; }

    /// <summary>Decides which orchestration ends as a whole.</summary>
    public SeededRandom Ends { get; }

    public Plan Plan { get; }

    public SimulatedTime Time { get; }

    public SimulatedRedis Redis { get; }

    public ScriptTwins Twins { get; }

    public RedisMirror? Mirror { get; }

    public Promises Promises { get; }

    public Action<string>? Trace { get; }

    /// <summary>A sum over all decisions: the same seed gives the same.</summary>
    public ulong Sum { get; private set; } = 17;

    public int Steps { get; private set; }

    public static Schedule Run(ulong seed, RedisMirror? mirror = null, Action<string>? tell = null)
    {
        var schedule = new Schedule(seed, mirror, tell);
        var context = SynchronizationContext.Current;
        try
        {
            SynchronizationContext.SetSynchronizationContext(schedule._thisThread);
            schedule.Run();
        }
        catch (SimulationException e)
        {
            throw new SimulationException($"Seed {seed}: {e.Message} ({schedule.Plan})");
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }

        return schedule;
    }

    /// <summary>The moment until when a call that is made now has been answered.</summary>
    public long By(Delay delay) => Time.Now + TimeSpan.TicksPerMillisecond * delay switch
    {
        Delay.Redis => Plan.LongestRedis,
        Delay.Send => Plan.LongestSend,
        _ => Plan.LongestStore,
    };

    /// <summary>Something that happens at a moment that the scheduler chooses.</summary>
    /// <param name="worker">The process that asks for it; null if it depends on none.</param>
    /// <param name="delay">How long it may take.</param>
    /// <param name="effect">What happens elsewhere; null for nothing. A process that dies may leave it behind.</param>
    /// <param name="answer">What happens in the process then.</param>
    public Step Add(SimulatedWorker? worker, Delay delay, Action? effect, Action answer)
    {
        CheckThread();
        var step = new Step(worker, By(delay), effect, answer);
        _open.Add(step);
        return step;
    }

    public void Remove(Step step) => _open.Remove(step);

    public ITimer After(TimeSpan time, Action action) => _clock.CreateTimer(_ => action(), null, time, Timeout.InfiniteTimeSpan);

    /// <summary>A process that lives, of a store or of any.</summary>
    public SimulatedWorker WorkerOf(SimulatedStore? store)
    {
        if (store is null)
        {
            return _workers[Random.Next(_workers.Count)];
        }

        var number = Array.IndexOf(_stores, store);
        var count = (_workers.Count - number + _stores.Length - 1) / _stores.Length;
        return _workers[number + (_stores.Length * Random.Next(count))];
    }

    /// <summary>All that is simulated runs on one thread. What left it would make the seed worth nothing.</summary>
    public void CheckThread()
    {
        if (Environment.CurrentManagedThreadId != _thread)
        {
            Promises.Break("The simulation has left its thread: something in the product went to the thread pool.\n" + Environment.StackTrace);
        }
    }

    /// <summary>A person is asked to decide on a call: says nothing, decides, or decides twice, which may be two people.</summary>
    public void AskPerson(string channel, string messageId, string callId)
    {
        for (var left = Trouble.Pick(0, 1, 1, 1, 2); left > 0; left--)
        {
            var isApproved = Trouble.Percent(60);
            After(Trouble.Within(TimeSpan.FromMinutes(Trouble.Pick(1, 12))), () => WorkerOf(null).Decide(channel, messageId, callId, isApproved));
        }
    }

    public void Deliver(PlannedMessage message) => WorkerOf(null).Deliver(message);

    private void Run()
    {
        foreach (var message in Plan.Messages)
        {
            if (message.At == TimeSpan.Zero)
            {
                Add(null, Delay.Store, null, () => Deliver(message));
            }
            else
            {
                After(message.At, () => Deliver(message));
            }

            if (message.AgainAt is { } again)
            {
                After(again, () => Deliver(message));
            }

            if (message.CancelledAt is { } cancelled)
            {
                After(cancelled, () => WorkerOf(null).Cancel(message));
            }
        }

        if (Plan.HasPieces)
        {
            foreach (var channel in Plan.Messages.Select(message => message.Channel).Distinct())
            {
                var (key, until) = (DeltaListeners.Key(_redisOptions.Value.Prefix, channel), DateTimeOffset.MaxValue.ToUnixTimeMilliseconds());
                Redis.Set(key, until);
                Mirror?.Set(key, until);
            }
        }

        if (Plan.AbandonedAt is { } abandoned)
        {
            After(abandoned, Abandon);
        }

        while (TryStep())
        {
            _thisThread.RunAll();
            Promises.ThrowIfBroken();
            if (++Steps > MostSteps)
            {
                throw new SimulationException($"It does not come to rest in {MostSteps} steps.");
            }
        }

        Promises.CheckEnd();
        Mirror?.CompareKeys(Redis);
    }

    /// <summary>False when nothing is open and no timer is set.</summary>
    private bool TryStep()
    {
        if (_deathsLeft > 0 && Random.Next(80) == 0)
        {
            _deathsLeft--;
            Kill(Random.Next(_workers.Count));
        }

        if (_breaksLeft > 0 && Trouble.Next(60) == 0)
        {
            _breaksLeft--;
            var worker = _workers[Trouble.Next(_workers.Count)];
            Tell($"{worker} loses its connection to Redis");
            var away = Trouble.Pick(TimeSpan.Zero, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(8));
            RedisAway += away;
            worker.Redis.Break(away);
        }

        if (Plan.LosesData && Promises.LostAt is null)
        {
            LoseData();
        }

        var (choices, earliest) = (_open.Count, long.MaxValue);
        foreach (var step in _open)
        {
            earliest = Math.Min(earliest, step.By);
        }

        foreach (var worker in _workers)
        {
            var redis = worker.Redis;
            if (redis.Calls.TryPeek(out var call))
            {
                choices++;
                earliest = Math.Min(earliest, call.By);
            }

            if (redis.Answers.TryPeek(out call))
            {
                choices++;
                earliest = Math.Min(earliest, call.By);
            }
        }

        var due = Time.NextDue;
        if (choices == 0 && due is null)
        {
            return false;
        }

        if (due <= earliest && (choices == 0 || Random.Next(8) == 0))
        {
            Time.FireNext();
            Sum = (Sum * 31) + (ulong)Time.Now;
            return true;
        }

        // Nothing takes no time at all, and nothing more than it may.
        Time.Pass(Math.Min(Random.Next(20) * (TimeSpan.TicksPerMillisecond / 4), earliest - Time.Now));
        Take(Random.Next(choices));
        return true;
    }

    private string Now => TimeSpan.FromTicks(Time.Now % TimeSpan.TicksPerDay - (12 * TimeSpan.TicksPerHour)).ToString(@"mm\:ss\.fff");

    private void Take(int choice)
    {
        Sum = (Sum * 31) + (ulong)choice;
        if (choice < _open.Count)
        {
            var step = _open[choice];
            if (step.Effect is { } effect)
            {
                step.Effect = null;
                effect();
                if (Random.Next(4) == 0)
                {
                    // It has happened, and nobody has been told so yet.
                    return;
                }
            }

            _open.Remove(step);
            step.Answer();
            return;
        }

        choice -= _open.Count;
        foreach (var worker in _workers)
        {
            var redis = worker.Redis;
            if (redis.Calls.Count > 0 && choice-- == 0)
            {
                var call = redis.Calls.Dequeue();
                call.CarryOut();
                if (redis.Answers.Count == 0 && Random.Next(4) > 0)
                {
                    call.Answer();
                }
                else
                {
                    redis.Answers.Enqueue(call);
                }

                return;
            }

            if (redis.Answers.Count > 0 && choice-- == 0)
            {
                redis.Answers.Dequeue().Answer();
                return;
            }
        }
    }

    /// <summary>An orchestration that is under way ends as a whole, if there is one. A timer finds that within ten minutes, in whichever process lives then.</summary>
    private void Abandon()
    {
        var store = _stores[Ends.Next(_stores.Length)];
        if (store.Abandon(Ends) is { } message)
        {
            Tell($"the orchestration of {message.MessageId} ends as a whole");
            Promises.Abandon(message.Channel);
            After(Ends.Within(Sweep), () => Look(left: 5));
        }

        // What another store's orchestration has stays as it is.
        void Look(int left)
        {
            if (store.HasAbandoned && left > 0)
            {
                WorkerOf(store).EndAbandoned();
                After(Sweep, () => Look(left - 1));
            }
        }
    }

    /// <summary>Sooner or later only that is there which was there at a moment before, or nothing at all.</summary>
    private void LoseData()
    {
        if (_copy is null && _loss.Next(40) == 0)
        {
            var all = _loss.Percent(50);
            _copy = all ? new Dictionary<string, RedisEntry>() : Redis.Copy();
            Mirror?.Copy(nothing: all);
        }
        else if (_copy is not null && _loss.Next(20) == 0)
        {
            Promises.Lose();
            Tell($"Redis loses {(_copy.Count == 0 ? "all that it has" : "what was written last")}");
            Redis.Restore(_copy);
            Mirror?.Restore();
            if (_copy.Count > 0)
            {
                _workers.ForEach(worker => worker.Redis.FailOver());
            }
        }
    }

    /// <summary>A process dies. Of what it had asked for some was carried out already, and it hears of nothing; another takes its place.</summary>
    private void Kill(int number)
    {
        var dead = _workers[number];
        Tell($"{dead} dies");
        dead.Clock.IsDead = true;
        for (var left = Random.Next(dead.Redis.Calls.Count + 1); left > 0; left--)
        {
            dead.Redis.Calls.Dequeue().CarryOut();
        }

        foreach (var step in _open.Where(step => step.Worker == dead).ToList())
        {
            _open.Remove(step);
            if (step.Effect is { } effect && Random.Percent(50))
            {
                effect();
            }
        }

        _workers[number] = new SimulatedWorker(this, dead.Store, _redisOptions, ++_processes);
        _dead.Add(dead);
        dead.Die();
    }

    private void Publish(string channel, string message)
    {
        foreach (var worker in _workers)
        {
            foreach (var handler in worker.Redis.Handlers)
            {
                if (!Plan.LosesSignals || !Random.Percent(30))
                {
                    Add(worker, Delay.Redis, null, () => handler(message));
                }
            }
        }
    }

    /// <summary>Tells what happens to whoever wants to hear of it.</summary>
    public void Tell([InterpolatedStringHandlerArgument("")] StepText text) => Trace?.Invoke($"{Now} {text.Text}");
}

/// <summary>A text that is made only where somebody hears of it.</summary>
[InterpolatedStringHandler]
internal readonly struct StepText
{
    private readonly List<object?>? _parts;

    public StepText(int literalLength, int formattedCount, Schedule schedule, out bool isHeard)
    {
        isHeard = schedule.Trace is not null;
        _parts = isHeard ? new List<object?>(literalLength + formattedCount) : null;
    }

    public string Text => string.Concat(_parts ?? []);

    public void AppendLiteral(string text) => _parts!.Add(text);

    public void AppendFormatted<T>(T value) => _parts!.Add(value);
}

/// <summary>
/// Where several wait for one task, .NET has one go on at once and posts the others, to a thread of the pool where there is no context. This one has them go on in their order, on the
/// same thread.
/// </summary>
internal sealed class OneThread : SynchronizationContext
{
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _posted = new();

    public override void Post(SendOrPostCallback d, object? state) => _posted.Enqueue((d, state));

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException();

    public override SynchronizationContext CreateCopy() => this;

    public void RunAll()
    {
        while (_posted.TryDequeue(out var posted))
        {
            posted.Callback(posted.State);
        }
    }
}

/// <summary>Something that is under way.</summary>
internal sealed class Step(SimulatedWorker? worker, long by, Action? effect, Action answer)
{
    public SimulatedWorker? Worker => worker;

    /// <summary>When it is over at the latest, in ticks of UTC.</summary>
    public long By => by;

    /// <summary>Null once it has happened.</summary>
    public Action? Effect { get; set; } = effect;

    public Action Answer => answer;
}
