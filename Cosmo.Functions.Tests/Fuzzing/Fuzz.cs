using System.Diagnostics;
using System.Globalization;
using CsCheck;

namespace Cosmo.Functions.Tests.Fuzzing;

/// <summary>
/// Runs a property over random inputs: for some seconds, or for as long as COSMO_FUZZ_SECONDS says, from a new seed or that of COSMO_FUZZ_SEED.
/// What fails is made smaller, and told with its seed.
/// </summary>
internal static class Fuzz
{
    private const int UsualSeconds = 2;

    private static readonly int? AskedSeconds = Environment.GetEnvironmentVariable("COSMO_FUZZ_SECONDS") is { } asked ? int.Parse(asked, CultureInfo.InvariantCulture) : null;
    private static readonly int Seconds = AskedSeconds ?? UsualSeconds;
    private static readonly string? Seed = Environment.GetEnvironmentVariable("COSMO_FUZZ_SEED") is { Length: > 0 } seed ? seed : null;

    /// <summary>COSMO_FUZZ_SEED where it is a number, else a new one.</summary>
    public static ulong FirstSeed() => ulong.TryParse(Seed, NumberStyles.None, CultureInfo.InvariantCulture, out var seed) ? seed : (ulong)Random.Shared.Next();

    /// <summary>Seeds that are numbers, from the first on: for as long as was asked for, or else so many seconds.</summary>
    public static IEnumerable<ulong> SeedsFrom(ulong first, double seconds)
    {
        for (var begun = Stopwatch.StartNew(); begun.Elapsed.TotalSeconds < (AskedSeconds ?? seconds); first++)
        {
            yield return first;
        }
    }

    public static void Run<T>(Gen<T> inputs, Action<T> property)
    {
        var count = 0L;
        inputs.Sample(
            input =>
            {
                Interlocked.Increment(ref count);
                property(input);
            },
            time: Seconds,
            seed: Seed,
            threads: 1);
        Tell(count);
    }

    public static async Task RunAsync<T>(Gen<T> inputs, Func<T, Task> property)
    {
        var count = 0L;
        await inputs.SampleAsync(
            async input =>
            {
                Interlocked.Increment(ref count);
                await property(input);
            },
            time: Seconds,
            seed: Seed,
            threads: 1);
        Tell(count);
    }

    private static void Tell(long count) => Console.WriteLine($"{TestContext.Current.TestMethod?.MethodName}: {count:N0} inputs");
}
