using Received = Cosmo.Functions.Tests.Local.Runtime.QueueListenerTests.Received;

namespace Cosmo.Functions.Tests.Local.Runtime;

/// <summary>A broker that goes away and comes back, with persistent messages in its queue.</summary>
public sealed class BrokerOutageTests(RabbitMQServer broker) : IClassFixture<RabbitMQServer>, IDisposable
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(120));
    private readonly Received _received = new();

    private CancellationToken Limit => _limit.Token;

    public void Dispose() => _limit.Dispose();

    [Fact]
    public async Task An_idle_listener_resumes_after_the_broker_was_stopped()
    {
        await using var queue = await TestQueue.CreateAsync(broker.Url);
        await using var host = await StartAsync(typeof(QueueListenerTests.TextFunction), queue);
        await queue.PublishAsync("before");
        await _received.NextAsync(Limit);

        await broker.StopAsync();
        await host.Logs.WaitForAsync("the broker does not answer", Limit);
        await broker.StartAsync();
        await queue.ReconnectAsync();
        await queue.PublishAsync("after");

        (await _received.NextAsync(Limit)).Message.ShouldBe("after");
    }

    [Fact]
    public async Task A_listener_at_work_loses_nothing_when_the_broker_is_killed()
    {
        await using var queue = await TestQueue.CreateAsync(broker.Url);
        await using var host = await StartAsync(typeof(QueueListenerTests.GatedFunction), queue);
        await queue.PublishAsync("at work");
        await queue.PublishAsync("waiting");
        await _received.NextAsync(Limit);

        await broker.KillAsync();
        await broker.StartAsync();
        await queue.ReconnectAsync();
        (await queue.CountAsync()).ShouldBe(2u, "the run of the first message has not ended, so nothing else is taken");
        _received.Gate.SetResult();

        (await _received.NextAsync(Limit)).Message.ShouldBe("at work");
        (await _received.NextAsync(Limit)).Message.ShouldBe("waiting");
    }

    [Fact]
    public async Task A_host_starts_while_the_broker_is_away()
    {
        await using var queue = await TestQueue.CreateAsync(broker.Url);
        await queue.PublishAsync("early");
        await broker.StopAsync();

        await using var host = await StartAsync(typeof(QueueListenerTests.TextFunction), queue);
        await host.Logs.WaitForAsync("the broker does not answer", Limit);
        await broker.StartAsync();
        await queue.ReconnectAsync();

        (await _received.NextAsync(Limit)).Message.ShouldBe("early");
    }

    private Task<TestHost> StartAsync(Type functions, TestQueue queue) =>
        TestHost.StartAsync(functions, _received, new() { ["QUEUE"] = queue.Name, ["BROKER"] = broker.Url });
}
