using Cosmo.Functions.Answering;

namespace Cosmo.Functions.Tests.Proof.Simulation;

/// <summary>Random numbers that a seed gives everywhere and for ever (SplitMix64, <see href="https://doi.org/10.1145/2714064.2660195"/>).</summary>
internal sealed class SeededRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>From 0 on, below the bound.</summary>
    public int Next(int bound)
    {
        var mixed = _state += 0x9E3779B97F4A7C15;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return (int)(((mixed ^ (mixed >> 31)) >> 33) % (ulong)bound);
    }

    /// <summary>True in so many cases of a hundred.</summary>
    public bool Percent(int percent) => Next(100) < percent;

    public T Pick<T>(params ReadOnlySpan<T> choices) => choices[Next(choices.Length)];

    public TimeSpan Within(TimeSpan longest) => TimeSpan.FromMilliseconds(Next((int)longest.TotalMilliseconds + 1));
}

/// <summary>What is asked of Cosmo in one schedule, and how bad its world is. It follows from the seed.</summary>
internal sealed class Plan
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(3);

    /// <param name="random">Most of it.</param>
    /// <param name="trouble">What Redis does to the processes, and what people decide: numbers of its own, so that seeds of schedules without it stay what they are.</param>
    /// <param name="loss">Whether Redis loses data, for the same reason.</param>
    /// <param name="edits">Which messages take the place of others, for the same reason.</param>
    /// <param name="pieces">Whether somebody listens for texts in pieces, for the same reason.</param>
    /// <param name="sockets">Whether updates go by WebSockets, for the same reason.</param>
    /// <param name="ends">Whether an orchestration ends as a whole, for the same reason.</param>
    public Plan(SeededRandom random, SeededRandom trouble, SeededRandom loss, SeededRandom edits, SeededRandom pieces, SeededRandom sockets, SeededRandom ends)
    {
        HasSockets = sockets.Percent(15);
        AbandonedAt = ends.Percent(12) ? ends.Within(ends.Pick(Soon, TimeSpan.FromMinutes(1.5))) : null;
        HasPieces = pieces.Percent(15);
        LosesData = loss.Percent(10);
        var hasEdits = edits.Percent(20);
        Breaks = trouble.Percent(20) ? 1 + trouble.Next(4) : 0;
        HasApprovals = trouble.Percent(20);
        WhenBusy = random.Next(20) switch
        {
            < 11 => AnsweringOptions.Enqueue,
            < 15 => AnsweringOptions.Merge,
            < 18 => AnsweringOptions.Interrupt,
            _ => AnsweringOptions.Reject,
        };
        Stores = random.Percent(15) ? 2 : 1;
        Workers = Math.Max(Stores, 1 + random.Next(3));
        Deaths = random.Pick(0, 0, 1, 1, 2);
        LosesSignals = random.Percent(10);
        RepeatsActivities = random.Percent(15);
        LongestRedis = random.Pick(1, 50, 1500);
        LongestSend = random.Pick(5, 500, 2500, 6000);
        LongestStore = random.Pick(5, 300, 1500);
        var channels = random.Percent(15) ? 2 : 1;
        for (var (i, count) = (0, random.Pick(1, 2, 2, 2, 3)); i < count; i++)
        {
            var at = random.Percent(60) ? TimeSpan.Zero : random.Within(random.Pick(Soon, TimeSpan.FromMinutes(1)));
            var channel = $"c{random.Next(channels)}";
            Messages.Add(new PlannedMessage(channel, $"m{i}", at)
            {
                Replaces = hasEdits && edits.Percent(60) ? Messages.FindLast(other => other.Channel == channel)?.Id : null,
                AgainAt = random.Percent(12) ? at + random.Within(Soon) : null,
                CancelledAt = random.Percent(20) ? at + random.Within(random.Pick(Soon, TimeSpan.FromMinutes(1.5))) : null,
            });
        }
    }

    /// <summary>The setting.</summary>
    public string WhenBusy { get; }

    /// <summary>How many Durable stores the processes share: one, or two that know nothing of each other.</summary>
    public int Stores { get; }

    public int Workers { get; }

    /// <summary>So many processes die at most. Each is replaced at once.</summary>
    public int Deaths { get; }

    /// <summary>So many times a process loses its connection to Redis, some seconds at most: whether what it had asked for was carried out it does not hear.</summary>
    public int Breaks { get; }

    /// <summary>What is asked of Redis may fail.</summary>
    public bool LosesRedis => Breaks > 0 || LosesData;

    /// <summary>Once, Redis loses its data: all of it, or what was written since a moment, as where a replica that lags takes over.</summary>
    public bool LosesData { get; }

    /// <summary>In each channel somebody listens for what is new of a text alone.</summary>
    public bool HasPieces { get; }

    /// <summary>Processes send over WebSockets, for as long as those hold.</summary>
    public bool HasSockets { get; }

    /// <summary>When an orchestration fails as a whole, or is terminated; null where none does.</summary>
    public TimeSpan? AbandonedAt { get; }

    /// <summary>Calls of tools change something, and wait for a person.</summary>
    public bool HasApprovals { get; }

    /// <summary>Now and then what Redis publishes does not arrive.</summary>
    public bool LosesSignals { get; }

    /// <summary>Now and then the store has an activity run twice, at the same time.</summary>
    public bool RepeatsActivities { get; }

    /// <summary>How long a call may take at most, in milliseconds.</summary>
    public int LongestRedis { get; }

    /// <inheritdoc cref="LongestRedis"/>
    public int LongestSend { get; }

    /// <inheritdoc cref="LongestRedis"/>
    public int LongestStore { get; }

    public List<PlannedMessage> Messages { get; } = [];

    public override string ToString() =>
        $"{WhenBusy}, {Workers} workers on {Stores} stores, {Deaths} deaths, {Breaks} breaks of Redis, {(LosesData ? "a loss of its data, " : "")}{(HasApprovals ? "approvals, " : "")}{(HasPieces ? "pieces, " : "")}{(HasSockets ? "WebSockets, " : "")}{(AbandonedAt is { } at ? $"an orchestration abandoned at {at}, " : "")}up to {LongestRedis}/{LongestSend}/{LongestStore} ms for Redis/send/store; {string.Join(", ", Messages)}";
}

/// <param name="At">When it is delivered, after the beginning.</param>
internal sealed record PlannedMessage(string Channel, string Id, TimeSpan At)
{
    /// <summary>When it is delivered once more; null if it is not.</summary>
    public TimeSpan? AgainAt { get; init; }

    /// <summary>When somebody wants it cancelled; null if nobody does.</summary>
    public TimeSpan? CancelledAt { get; init; }

    /// <summary>The message whose place it takes; null for none.</summary>
    public string? Replaces { get; init; }

    public string Question => "Say " + Id;
}
