using System.Text;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cosmo.Functions.Tests.Messaging;

public sealed class MessagePublisherTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(80, true)]
    [InlineData(81, false)]
    public async Task A_browsers_message_is_durable_JSON_marked_as_a_clients_and_named_where_the_name_is_short(int length, bool isNamed)
    {
        await using var queue = await CosmoQueue.ConnectAsync();
        await using var rabbitMQ = new RabbitMQPublisher(queue.OptionsAt(), TimeProvider.System);
        using var topology = new Topology(rabbitMQ, queue.OptionsAt(), TimeProvider.System, NullLogger<Topology>.Instance);
        await topology.DeclareAsync(Cancellation);
        var id = new string('m', length);

        await new MessagePublisher(rabbitMQ, queue.OptionsAt()).PublishAsync(new ChatMessage("c", id, "Hello", new Caller("ana", []) { Issuer = "https://issuer", Source = "token" }), Cancellation);

        var sent = (await queue.Channel.BasicGetAsync(queue.Queue, autoAck: true, Cancellation))!;
        (sent.BasicProperties.Persistent, sent.BasicProperties.ContentType, sent.BasicProperties.MessageId).ShouldBe((true, "application/json", isNamed ? id : null));
        Encoding.UTF8.GetString((byte[])sent.BasicProperties.Headers!["x-cosmo-origin"]!).ShouldBe("client");
        Encoding.UTF8.GetString(sent.Body.Span).ShouldContain("\"issuer\":\"https://issuer\",\"source\":\"token\"");
    }
}
