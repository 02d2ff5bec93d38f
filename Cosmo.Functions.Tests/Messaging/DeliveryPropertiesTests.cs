using System.Text;
using System.Text.Json;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Tests.Messaging;

/// <summary>What is read of a delivery's properties, as the RabbitMQ extension hands them in.</summary>
public sealed class DeliveryPropertiesTests
{
    [Fact]
    public void A_text_is_base64_or_stands_as_it_is_a_number_is_kept_and_anything_else_is_left_out()
    {
        Read($$"""{"text":"{{Base64("värde")}}","plain":"no base64!","number":3,"flag":true,"nothing":null,"list":["YQ=="]}""").Headers
            .ShouldBe(new Dictionary<string, string> { ["text"] = "värde", ["plain"] = "no base64!", ["number"] = "3" }, ignoreOrder: true);
        Of("{}").Headers.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData("\"x-cosmo-attempt\":\"3\"", 3)]
    [InlineData("\"x-cosmo-attempt\":2", 2)]
    [InlineData("\"x-cosmo-attempt\":\"0\"", 1)]
    [InlineData("\"x-cosmo-attempt\":\"two\"", 1)]
    [InlineData("\"x-cosmo-cause\":\"c3RhbGxlZA==\"", 2)]
    [InlineData("\"x-cosmo-cause\":\"c3RhbGxlZA==\",\"x-cosmo-attempt\":\"Mg==\",\"team\":\"b3Bz\"", 3)]
    [InlineData("\"x-death\":[{\"queue\":\"Y29zbW9fcXVldWU=\",\"count\":3}]", 4)]
    [InlineData("\"x-death\":[{\"queue\":\"Y29zbW9fcXVldWU=\",\"count\":3},{\"queue\":\"b3RoZXI=\",\"count\":7}],\"team\":\"b3Bz\"", 4)]
    [InlineData("\"x-death\":[{\"queue\":\"Y29zbW9fcXVldWU=\"}]", 2)]
    [InlineData("\"x-death\":[{\"queue\":\"Y29zbW9fcXVldWU=\",\"count\":\"many\"}]", 2)]
    [InlineData("\"x-death\":[{\"count\":3}]", 1)]
    public void The_attempt_is_what_its_header_says_and_one_more_for_each_failure(string headers, int attempt)
    {
        var read = Read("{" + headers + "}");

        read.Attempt.ShouldBe(attempt);
        read.Headers.Keys.Except(["team"]).ShouldBe(attempt > 1 ? ["x-cosmo-attempt"] : []);
    }

    [Fact]
    public void What_was_said_of_a_failure_and_of_the_way_here_is_left_behind()
    {
        string[] past = ["x-cosmo-id", "x-cosmo-reason", "x-cosmo-failed-at", "x-cosmo-channel", "x-cosmo-message-id", "x-ms-rabbitmq-requeuecount", "x-dotnet-pub-seq-no", "x-first-death-queue", "x-last-death-reason"];

        Read(JsonSerializer.Serialize(past.Append("x-team").ToDictionary(name => name, _ => Base64("text")))).Headers.Keys.ShouldBe(["x-team"]);
    }

    [Fact]
    public void So_many_characters_of_headers_are_kept_as_a_frame_of_the_broker_has_room_for()
    {
        static string Sent(int length) => JsonSerializer.Serialize(new Dictionary<string, string> { ["a"] = Base64(new string('x', length)), ["b"] = Base64("y") });

        Read(Sent(65_536 - 3)).Headers.Keys.ShouldBe(["a", "b"]);
        Read(Sent(65_536 - 2)).Headers.Keys.ShouldBe(["a"]);
        Read(Sent(65_536)).Headers.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("final", "answers")]
    [InlineData("all", null)]
    [InlineData(null, null)]
    public void The_final_update_goes_to_a_queue_where_the_producer_says_so(string? wanted, string? queue)
    {
        var headers = wanted is null ? "{}" : $$"""{"x-cosmo-reply":"{{Base64(wanted)}}"}""";

        Of($$"""{"ReplyTo":"answers","Headers":{{headers}}}""").FinalReplyTo.ShouldBe(queue);
    }

    [Theory]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true)]
    [InlineData("00-nonsense-01", false)]
    public void The_producers_span_is_known_where_it_says_one(string trace, bool isKnown)
    {
        var links = Read($$"""{"traceparent":"{{Base64(trace)}}"}""").FindProducer();

        links.Select(link => (link.Context.TraceId.ToString(), link.Context.IsRemote)).ShouldBe(isKnown ? [("0af7651916cd43dd8448eb211c80319c", true)] : []);
        Read("{}").FindProducer().ShouldBeEmpty();
    }

    [Fact]
    public void What_says_where_it_began_is_no_producers()
    {
        Read("{}").IsOfProducer.ShouldBeTrue();
        Read($$"""{"x-cosmo-origin":"{{Base64("client")}}"}""").IsOfProducer.ShouldBeFalse();
    }

    [Fact]
    public void Without_properties_there_are_none_and_what_is_sent_on_is_JSON()
    {
        var none = Of(null);

        none.ShouldBe(DeliveryProperties.None);
        none.Attempt.ShouldBe(1);
        none.ToBasicProperties([]).ContentType.ShouldBe("application/json");
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static DeliveryProperties Read(string headers) => Of($$"""{"Headers":{{headers}}}""");

    private static DeliveryProperties Of(string? basicProperties) => Deliveries.Read(basicProperties, "cosmo_queue");
}
