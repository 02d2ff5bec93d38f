namespace Cosmo.Functions.Tests.Local.Host;

/// <summary>A broker that goes away and comes back, with persistent messages in its queue.</summary>
public sealed class BrokerOutageTests(RabbitMQServer broker) : IClassFixture<RabbitMQServer>, IDisposable
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(120));

    private CancellationToken Limit => _limit.Token;

    public void Dispose() => _limit.Dispose();

    [Fact]
    public async Task An_idle_listener_resumes_after_the_broker_was_stopped()
    {
        var invoker = new FakeInvoker();
        await using var queue = await ListenedQueue.CreateAsync(broker.Url);
        await using var listeners = await StartAsync(invoker, queue);
        await queue.PublishAsync("before");
        await invoker.NextAsync(Limit);

        await broker.StopAsync();
        await listeners.Logs.WaitForAsync("the broker does not answer", Limit);
        await broker.StartAsync();
        await queue.ReconnectAsync();
        await queue.PublishAsync("after");

        (await invoker.NextAsync(Limit)).Text.ShouldBe("after");
    }

    [Fact]
    public async Task A_listener_at_work_loses_nothing_when_the_broker_is_killed()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var invoker = new FakeInvoker(_ => gate.Task);
        await using var queue = await ListenedQueue.CreateAsync(broker.Url);
        await using var listeners = await StartAsync(invoker, queue);
        await queue.PublishAsync("at work");
        await queue.PublishAsync("waiting");
        await invoker.NextAsync(Limit);

        await broker.KillAsync();
        await broker.StartAsync();
        await queue.ReconnectAsync();
        (await queue.CountAsync()).ShouldBe(2u, "the run of the first message has not ended, so nothing else is taken");
        gate.SetResult();

        (await invoker.NextAsync(Limit)).Text.ShouldBe("at work");
        (await invoker.NextAsync(Limit)).Text.ShouldBe("waiting");
    }

    [Fact]
    public async Task A_host_starts_while_the_broker_is_away()
    {
        var invoker = new FakeInvoker();
        await using var queue = await ListenedQueue.CreateAsync(broker.Url);
        await queue.PublishAsync("early");
        await broker.StopAsync();

        await using var listeners = await StartAsync(invoker, queue);
        await listeners.Logs.WaitForAsync("the broker does not answer", Limit);
        await broker.StartAsync();
        await queue.ReconnectAsync();

        (await invoker.NextAsync(Limit)).Text.ShouldBe("early");
    }

    private static Task<RunningListeners> StartAsync(FakeInvoker invoker, ListenedQueue queue) =>
        RunningListeners.StartAsync(Metadata.Queue("Receive"), invoker, new() { ["QUEUE"] = queue.Name, ["BROKER"] = queue.Url });
}
