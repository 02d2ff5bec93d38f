using Cosmo.Local.Host.Functions;

namespace Cosmo.Functions.Tests.Local.Host;

public sealed class ListenersTests : IDisposable
{
    private readonly ShutdownGrace _grace = new(TimeProvider.System);

    public void Dispose() => _grace.Dispose();

    [Fact]
    public async Task A_listener_that_dies_is_heard_of_while_the_others_run()
    {
        using var listeners = new Listeners([new FakeListener(stopping => Task.Delay(Timeout.Infinite, stopping)), new FakeListener(_ => throw new InvalidOperationException("dead"))], _grace);
        await listeners.StartAsync(CancellationToken.None);

        (await Should.ThrowAsync<InvalidOperationException>(listeners.ExecuteTask!)).Message.ShouldBe("dead");
    }

    [Fact]
    public async Task An_app_without_listeners_runs_until_the_stop_too()
    {
        using var listeners = new Listeners([], _grace);
        await listeners.StartAsync(CancellationToken.None);
        for (var turns = 0; turns < 1000; turns++)
        {
            await Task.Yield();
        }

        listeners.ExecuteTask!.IsCompleted.ShouldBeFalse();
        await listeners.StopAsync(CancellationToken.None);
        listeners.ExecuteTask.IsCompleted.ShouldBeTrue();
    }

    private sealed class FakeListener(Func<CancellationToken, Task> run) : IListener
    {
        public async Task RunAsync(CancellationToken stopping)
        {
            await Task.Yield();
            await run(stopping);
        }
    }
}
