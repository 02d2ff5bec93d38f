using System.Collections.Concurrent;
using Cosmo.Functions.Tests.Fuzzing;

namespace Cosmo.Functions.Tests.Proof.Simulation;

/// <summary>Turns, fences, deadlines and delivery under interleavings that no real machine comes to, each of which its seed brings back.</summary>
public sealed class SimulationTests
{
    private const double UsualSeconds = 1;

    /// <summary>So many schedules are also run on a real Redis.</summary>
    private const double UsualMirroredSeconds = 1.5;

    [Fact]
    [Trait("kind", "fuzz")]
    public void Every_schedule_keeps_the_promises()
    {
        var (first, count, steps, processor) = (Fuzz.FirstSeed(), 0L, 0L, Environment.CpuUsage.TotalTime);
        ForEach(Fuzz.SeedsFrom(first, UsualSeconds), seed =>
        {
            Interlocked.Add(ref steps, Schedule.Run(seed).Steps);
            Interlocked.Increment(ref count);
        });

        Console.WriteLine($"{nameof(Every_schedule_keeps_the_promises)}: {count:N0} schedules from seed {first} on, {steps:N0} steps, {(Environment.CpuUsage.TotalTime - processor).TotalSeconds:N1} s of processor time");
    }

    /// <summary>Seeds that found something once.</summary>
    [Theory]
    [InlineData(1831545707UL)] // Two deliveries at once: the place was given back.
    [InlineData(441882628UL)] // Two tries at once: what one of them merged had no end.
    [InlineData(364683205UL)] // Cancelled in one store, kept as late by the other.
    [InlineData(649173849UL)] // Of two calls one was decided on: the turn was not kept for the other.
    [InlineData(368884505UL)] // Redis away for a moment: the turn was not given on.
    [InlineData(368909261UL)] // Redis away for a moment: an end with another message's sequence.
    [InlineData(368958292UL)] // Redis away for a moment: answered, and kept as failed.
    [InlineData(783489203UL)] // Redis lost all: what was merged into an answer that failed had no end.
    [InlineData(783485732UL)] // The same with an answer that was begun anew.
    [InlineData(783486298UL)] // Redis lost all: an end that was recorded later was not told by the next try.
    [InlineData(2093787924UL)] // Redis lost all between two looks of a try: no end was told.
    [InlineData(1332485235UL)] // Redis away for a moment when an end had waited for long: answered, and kept as failed.
    [InlineData(929993137UL)] // Two looks for the turn at once: the place was taken again behind the end.
    [InlineData(1006164922UL)] // A replica that lagged took over: sequences came twice.
    public void A_schedule_that_broke_a_promise_once_keeps_it(ulong seed) => Schedule.Run(seed);

    [Fact]
    public void A_seed_gives_the_same_schedule_again_also_beside_others()
    {
        ulong[] seeds = [.. Enumerable.Range(1, 200).Select(seed => (ulong)seed)];
        var sums = seeds.ToDictionary(seed => seed, seed => Schedule.Run(seed).Sum);

        ForEach(seeds, seed => Schedule.Run(seed).Sum.ShouldBe(sums[seed], $"Seed {seed}"));
    }

    [Fact]
    [Trait("kind", "fuzz")]
    public async Task The_twins_of_the_scripts_answer_as_Redis_does()
    {
        await using var redis = new TestRedis();
        var database = await redis.Connection.RunAsync(Task.FromResult, TestContext.Current.CancellationToken);
        var (first, count, compared) = (Fuzz.FirstSeed(), 0L, 0L);
        foreach (var seed in Fuzz.SeedsFrom(first, UsualMirroredSeconds))
        {
            var mirror = new RedisMirror(database, $"{redis.Prefix}{count++}:");
            Schedule.Run(seed, mirror);
            compared += mirror.Compared;
        }

        Console.WriteLine($"{nameof(The_twins_of_the_scripts_answer_as_Redis_does)}: {count:N0} schedules from seed {first} on, {compared:N0} comparisons");
    }

    /// <summary>Goes on where a promise is broken, and tells the seeds of all: whether one fault is behind them, or several.</summary>
    [Fact(Explicit = true)]
    public void All_that_is_broken()
    {
        var (count, found) = (0L, 0);
        ForEach(Fuzz.SeedsFrom(Fuzz.FirstSeed(), UsualSeconds), seed =>
        {
            Interlocked.Increment(ref count);
            try
            {
                Schedule.Run(seed);
            }
            catch (SimulationException e)
            {
                Interlocked.Increment(ref found);
                Console.WriteLine(e.Message);
            }
        });
        found.ShouldBe(0, $"Of {count:N0} schedules");
    }

    /// <summary>What happens in one schedule, told step by step: COSMO_FUZZ_SEED says in which.</summary>
    [Fact(Explicit = true)]
    public void As_asked() => Schedule.Run(Fuzz.FirstSeed(), tell: Console.WriteLine);

    /// <summary>Each schedule is of one thread; so many run beside each other as there are processors.</summary>
    private static void ForEach(IEnumerable<ulong> seeds, Action<ulong> run) => Parallel.ForEach(
        Partitioner.Create(seeds, EnumerablePartitionerOptions.NoBuffering), new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, run);
}
