using System.Collections.Concurrent;
using Cosmo.Local.Terminal.Processes;
using Cosmo.Local.Terminal.Running;

namespace Cosmo.Functions.Tests.Local.Terminal;

public sealed class SupervisorTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly ConcurrentQueue<string> _said = new();

    [Fact]
    public async Task What_ends_by_itself_is_started_again_at_once_and_then_later_and_later()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
        var starts = 0;

        var kept = new Supervisor(_time, _said.Enqueue).KeepAsync("functions", Ending(), () => Interlocked.Increment(ref starts) == 4 ? Staying() : Ending(), stop.Token);
        foreach (var seconds in (int[])[1, 3, 7])
        {
            await _time.TimerSetForAsync(TimeSpan.FromSeconds(seconds)).WaitAsync(limit.Token);
            _time.Advance(TimeSpan.FromSeconds(seconds));
        }

        await stop.CancelAsync();
        await kept;

        _said.ShouldBe([.. new[] { 0, 1, 3, 7 }.Select(seconds => $"functions ended by itself (see logs/functions.log); starting it again in {seconds} s.")]);
    }

    [Fact]
    public void It_waits_for_half_a_minute_at_most()
    {
        var delays = new List<double> { 0 };
        for (var i = 0; i < 6; i++)
        {
            delays.Add(Supervisor.Next(TimeSpan.FromSeconds(delays[^1])).TotalSeconds);
        }

        delays.ShouldBe([0, 1, 3, 7, 15, 30, 30]);
    }

    private static ChildProcess Ending() => ChildProcess.Start(new Launch("true"), _ => { });

    private static ChildProcess Staying()
    {
        var process = ChildProcess.Start(new Launch("cat"), _ => { });
        return process;
    }
}
