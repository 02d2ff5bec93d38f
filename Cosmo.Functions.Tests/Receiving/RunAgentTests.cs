using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using NSubstitute;
using RabbitMQ.Client;

namespace Cosmo.Functions.Tests.Receiving;

/// <summary>What an AG-UI client's run is before it streams.</summary>
public sealed class RunAgentTests : IAsyncLifetime
{
    private ReceivingRoom _room = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _room = await ReceivingRoom.OpenAsync();
        _room.Access.ClientMessages = "anyone";
    }

    public ValueTask DisposeAsync() => _room.DisposeAsync();

    [Fact]
    public async Task Where_the_broker_is_away_the_client_is_told_so()
    {
        await using var nowhere = new RabbitMQPublisher(_room.Queue.OptionsAt("amqp://127.0.0.1:1"), TimeProvider.System);

        var answer = (ObjectResult)await RunAsync(nowhere, "c1", "r1", "Hello");

        (answer.StatusCode, ((ProblemDetails)answer.Value!).Title).ShouldBe((503, "RabbitMQ is not available"));
    }

    [Fact]
    public async Task A_run_is_queued_as_a_browsers_message_is()
    {
        await using var rabbitMQ = new RabbitMQPublisher(_room.Queue.OptionsAt(), TimeProvider.System);
        using var left = new CancellationTokenSource();
        var run = RunAsync(rabbitMQ, "c1", "r1", "Hello", left.Token);

        BasicGetResult? queued;
        while ((queued = await _room.Queue.Channel.BasicGetAsync(_room.Queue.Queue, autoAck: true, Cancellation)) is null)
        {
            await Task.Delay(10, Cancellation);
        }

        await left.CancelAsync();
        (await run).ShouldBeOfType<EmptyResult>();
        JsonNode.DeepEquals(
            JsonNode.Parse(queued.Body.Span),
            JsonNode.Parse("""{"channel":"c1","message_id":"r1","message":"Hello","profile":"sales","user":{"id":null,"roles":[]}}""")).ShouldBeTrue(Encoding.UTF8.GetString(queued.Body.Span));
        Encoding.UTF8.GetString((byte[])queued.BasicProperties.Headers!["x-cosmo-origin"]!).ShouldBe("client");
    }

    [Fact]
    public async Task Who_is_not_signed_in_decides_nothing()
    {
        await using var rabbitMQ = new RabbitMQPublisher(_room.Queue.OptionsAt(), TimeProvider.System);

        var answer = (ObjectResult)await RunAsync(
            rabbitMQ, new { threadId = "c1", runId = "r1", messages = Array.Empty<object>(), resume = new[] { new { interruptId = "call_1", status = "cancelled" } } }, CancellationToken.None);

        answer.StatusCode.ShouldBe(401);
    }

    private Task<IActionResult> RunAsync(RabbitMQPublisher rabbitMQ, string thread, string run, string text, CancellationToken left = default) => RunAsync(
        rabbitMQ, new { threadId = thread, runId = run, messages = new[] { new { role = "user", content = text } }, forwardedProps = new { profile = "sales" } }, left);

    private Task<IActionResult> RunAsync(RabbitMQPublisher rabbitMQ, object body, CancellationToken left)
    {
        var http = new DefaultHttpContext { RequestAborted = left };
        http.Request.Body = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(body));
        http.Response.Body = new MemoryStream();
        return _room.AgentWith(new MessagePublisher(rabbitMQ, _room.Queue.OptionsAt())).RunAsync(http.Request, _room.Client, Substitute.For<FunctionContext>());
    }
}
