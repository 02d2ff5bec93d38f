using System.Globalization;
using CsCheck;

namespace Cosmo.Functions.Tests.Fuzzing;

/// <summary>
/// Runs a property over random inputs: for some seconds, or for as long as COSMO_FUZZ_SECONDS says, from a new seed or that of COSMO_FUZZ_SEED.
/// What fails is made smaller, and told with its seed.
/// </summary>
internal static class Fuzz
{
    private const int UsualSeconds = 5;

    private static readonly int? AskedSeconds = Environment.GetEnvironmentVariable("COSMO_FUZZ_SECONDS") is { } asked ? int.Parse(asked, CultureInfo.InvariantCulture) : null;
    private static readonly int Seconds = AskedSeconds ?? UsualSeconds;
    private static readonly string? Seed = Environment.GetEnvironmentVariable("COSMO_FUZZ_SEED") is { Length: > 0 } seed ? seed : null;

    /// <summary>As long as was asked for, or else so many seconds.</summary>
    public static double SecondsOr(double usual) => AskedSeconds ?? usual;

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
