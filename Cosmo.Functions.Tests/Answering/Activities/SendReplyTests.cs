using System.Text;
using System.Text.Json.Nodes;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Receiving;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging.Abstractions;
using NSubstitute;
using RabbitMQ.Client;

namespace Cosmo.Functions.Tests.Answering.Activities;

/// <summary>The final update at the queue that a producer named.</summary>
public sealed class SendReplyTests : IAsyncLifetime
{
    private static readonly MessageAddress Address = new("c1", "m1", 1);
    private ReceivingRoom _room = null!;
    private string _replies = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _room = await ReceivingRoom.OpenAsync();
        _replies = (await _room.Queue.Channel.QueueDeclareAsync(cancellationToken: Cancellation)).QueueName;
    }

    public ValueTask DisposeAsync() => _room.DisposeAsync();

    [Fact]
    public async Task It_is_the_update_as_clients_get_it_and_says_which_message_it_answers()
    {
        await _room.Log.RecordAsync(Address, Updates.Completed(Address, "conv_1", "It is sunny."), once: null, Cancellation);

        await ReplyAsync(_replies);

        var reply = (await _room.Queue.Channel.BasicGetAsync(_replies, autoAck: true, Cancellation))!;
        (reply.BasicProperties.CorrelationId, reply.BasicProperties.ContentType, reply.BasicProperties.Persistent).ShouldBe(("order-1", "application/json", true));
        var update = JsonNode.Parse(Encoding.UTF8.GetString(reply.Body.Span))!;
        (update["channel"]!.GetValue<string>(), update["payload"]!["message"]!.GetValue<string>(), update["payload"]!["status"]!.GetValue<string>()).ShouldBe(("c1", "It is sunny.", "completed"));
    }

    [Fact]
    public async Task Without_an_update_or_a_queue_there_is_none_and_nothing_fails()
    {
        await ReplyAsync(_replies);
        await _room.Log.RecordAsync(Address, Updates.Completed(Address, "conv_1", "It is sunny."), once: null, Cancellation);
        await ReplyAsync("no-such-queue");

        (await _room.Queue.Channel.BasicGetAsync(_replies, autoAck: true, Cancellation)).ShouldBeNull();
    }

    private async Task ReplyAsync(string queue)
    {
        await using var rabbitMQ = new RabbitMQPublisher(_room.Queue.OptionsAt(), TimeProvider.System);
        await new SendReply(_room.Log, rabbitMQ, NullLogger<SendReply>.Instance).RunAsync(new ReplyInput(Address, queue, "order-1"), Substitute.For<FunctionContext>());
    }
}
