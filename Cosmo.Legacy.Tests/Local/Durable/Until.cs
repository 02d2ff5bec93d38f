using System.Diagnostics;

namespace Cosmo.Functions.Tests.Local.Durable;

/// <summary>Waits for a state that nothing announces.</summary>
internal static class Until
{
    public static async Task TrueAsync(Func<Task<bool>> condition)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            watch.Elapsed.ShouldBeLessThan(TestEngine.Patience);
            await Task.Yield();
        }
    }
}
