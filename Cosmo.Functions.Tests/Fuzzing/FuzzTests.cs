using System.ClientModel.Primitives;
using System.Text;
using System.Text.Json;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Assistants.Responses;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Assistants;
using Cosmo.Functions.Tests.Messaging;
using Cosmo.Functions.Tests.Tools;
using Cosmo.Functions.Threads;
using CsCheck;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace Cosmo.Functions.Tests.Fuzzing;

/// <summary>What comes from outside, in any form: nothing throws, what is refused is refused with a reason, and what is taken is taken as it was meant.</summary>
[Trait("kind", "fuzz")]
public sealed class FuzzTests
{
    private const string Message =
        """{"channel":"c1","message_id":"m1","message":"Hi","user":{"id":"ana","roles":["auditor","x"],"name":"Ana"},"score":1.5,"extra":{"a":[1,{"b":null}]}}""";

    private const string Properties =
        """{"ContentType":"application/json","CorrelationId":"c","ReplyTo":"q","MessageId":"m","Type":"t","Priority":5,"Timestamp":{"UnixTime":1683042126},"Headers":{"x-cosmo-attempt":"Mg==","text":"dmFsdWU=","number":3,"x-death":[{"queue":"cXVldWU=","count":2,"reason":"cmVqZWN0ZWQ="}]}}""";

    private static readonly ChatMessageReader Reader = new(Options.Create(new MessagingOptions { RabbitMQUrl = "amqp://localhost", MaxMessageLength = 1000 }));

    [Fact]
    public void A_body_is_a_message_or_refused_with_a_reason() => Fuzz.Run(Foreign.Changed(Message, "{}", "[]", "null"), body =>
    {
        if (!Reader.TryRead(body, out var message, out var rejection))
        {
            rejection!.Reason.ShouldNotBeEmpty();
            return;
        }

        // What was taken can be queued again, and is the same then.
        Reader.TryRead(MessagePublisher.BodyOf(message), out var again, out var fault).ShouldBeTrue(fault?.Reason);
        (again!.Channel, again.MessageId, again.Message, again.Caller.Id).ShouldBe((message.Channel, message.MessageId, message.Message, message.Caller.Id));
        again.Caller.Roles.ShouldBe(message.Caller.Roles);
        AnswerStarter.InstanceId(new MessageAddress(message.Channel, message.MessageId, 1)).Length.ShouldBe(47);
        GroupName.For(message.Channel).Length.ShouldBeInRange(1, 1024);
    });

    [Fact]
    public void Whatever_stands_in_a_field_that_is_ignored_a_message_is_taken_as_it_was_meant() => Fuzz.Run(
        Gen.Select(Foreign.WellFormedText, Foreign.WellFormedText, Foreign.WellFormedText, Foreign.Changed("""{"a":{"b":[1,2,{"c":"d"}]},"e":"f"}""")),
        input =>
        {
            var (channel, id, text, ignored) = input;
            if (!ForeignJson.TryRead(ignored, out _, out _))
            {
                return;
            }

            byte[] body =
            [
                .. "{\"channel\":"u8, .. JsonSerializer.SerializeToUtf8Bytes(channel), .. ",\"before\":"u8, .. ignored, .. ",\"message_id\":"u8, .. JsonSerializer.SerializeToUtf8Bytes(id),
                .. ",\"message\":"u8, .. JsonSerializer.SerializeToUtf8Bytes(text), .. ",\"after\":"u8, .. ignored, .. "}"u8,
            ];
            var isMessage = new[] { channel, id, text }.All(field => !string.IsNullOrWhiteSpace(field)) && channel.Length <= 512 && id.Length <= 512 && text.Length <= 1000;

            Reader.TryRead(body, out var message, out var rejection).ShouldBe(isMessage, rejection?.Reason);
            if (isMessage)
            {
                (message!.Channel, message.MessageId, message.Message, message.Caller.Id).ShouldBe((channel, id, text, null));
            }
        });

    [Fact]
    public void A_client_event_is_a_message_of_its_connections_channel_or_refused() => Fuzz.Run(
        Foreign.Changed("""{"message_id":"m1","message":"Hi","channel":"c1","user":{"id":"eve","roles":["auditor"]}}"""), body =>
        {
            var caller = new Caller("ana", []);
            ChatMessageReader.FindMessageId(body);
            if (Reader.TryReadClientEvent(body, "c1", caller, out var message, out var rejection))
            {
                (message.Channel, message.Caller).ShouldBe(("c1", caller));
            }
            else
            {
                rejection!.Reason.ShouldNotBeEmpty();
            }
        });

    [Fact]
    public void The_properties_of_a_delivery_can_be_kept_whatever_stands_there() => Fuzz.Run(Foreign.Changed(Properties), json =>
    {
        var properties = Deliveries.Read(Encoding.UTF8.GetString(json), "queue");

        properties.Attempt.ShouldBeGreaterThanOrEqualTo(1);
        properties.ToBasicProperties([]).Persistent.ShouldBeTrue();
    });

    [Fact]
    public void A_dead_letter_can_be_listed_and_replayed_whatever_it_is() => Fuzz.Run(
        Gen.Select(Foreign.Changed(Message), Gen.Dictionary(HeaderName, HeaderValue)[0, 8]), input =>
        {
            var (body, headers) = input;
            var letter = new BasicGetResult(1, false, "", "queue", 0, new BasicProperties { Headers = headers.ToDictionary(header => header.Key, header => (object?)header.Value) }, body);

            var stored = StoredDeadLetter.Read(letter, "queue");

            stored.Id.ShouldNotBeNullOrEmpty();
            stored.Attempt.ShouldBeGreaterThanOrEqualTo(1);
            stored.ForReplay(letter).Headers![DeliveryProperties.AttemptHeader].ShouldNotBeNull();
        });

    [Fact]
    public void No_two_channels_share_a_group_or_an_answer() => Fuzz.Run(Gen.Select(Foreign.WellFormedText, Foreign.WellFormedText), pair =>
    {
        var (one, other) = pair;
        if (one != other && one.Length > 0 && other.Length > 0)
        {
            GroupName.For(one).ShouldNotBe(GroupName.For(other));
            RedisKeys.ForChannel("p:", "k", one).ShouldNotBe(RedisKeys.ForChannel("p:", "k", other));
            AnswerStarter.InstanceId(new MessageAddress(one, other, 1)).ShouldNotBe(AnswerStarter.InstanceId(new MessageAddress(other, one, 1)));
        }
    });

    [Fact]
    public async Task A_stream_of_the_model_is_an_answer_or_a_fault_and_what_was_heard_is_what_is_known() => await Fuzz.RunAsync(
        Gen.Select(Foreign.Changed(Events).Array[1, 12], Gen.Bool), async input =>
        {
            var (events, isWhole) = input;
            using var body = new MemoryStream(isWhole ? events[0] : [.. events.SelectMany(data => (byte[])[.. "event: x\ndata: "u8, .. data, .. "\n\n"u8])]);
            using var answer = new Answer(body, isWhole ? "application/json" : "text/event-stream");
            var heard = new Heard();
            var reader = new ResponseReader(heard, TimeProvider.System);

            using var silence = new SilenceLimit(TimeSpan.FromMinutes(1), TimeProvider.System, CancellationToken.None);
            var (response, fault) = await reader.ReadAsync(answer, silence);

            (response is null).ShouldBe(fault is not null);
            fault?.ToException().Told.ShouldNotBeEmpty();
            reader.Text.ShouldBe(heard.Text);
            Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(heard.Text)).ShouldBe(heard.Text);
        });

    [Fact]
    public async Task Whatever_the_model_writes_as_arguments_a_tool_says_what_is_wrong_or_runs()
    {
        await using var service = await HttpStub.StartAsync(context => context.Response.WriteAsync("{}"));
        await using var tools = Tools(service);
        await Fuzz.RunAsync(
            Gen.Select(
                Foreign.One("get_weather", "get_active_clients_per_service", "get_available_offices", "get_user_audit_logs", "get_user_role", "no_tool", ""),
                Foreign.Changed("""{"city":"Makati","country_code":"PH"}""", """{"city":"Makati","capacity":3}""", """{"email":"ana@example.com"}""", "{}")),
            async input => TextShouldBeSound(await tools.RunAsync(input.Item1, Encoding.UTF8.GetString(input.Item2), "auditor")));
    }

    [Fact]
    public async Task Whatever_the_model_writes_a_tool_that_is_a_file_sends_it_as_a_value_in_its_place_or_not_at_all()
    {
        const string file = """
            { "name": "any", "description": "Any.", "allow_private": true, "read_only": true,
              "parameters": { "type": "object", "properties": { "a": { "type": "string" }, "b": { "type": "string" } }, "required": ["a", "b"] },
              "http": { "method": "POST", "url": "%ANY_URL%/v1/{a}/x{b}?q={a}", "query": { "r": "{b}" }, "body": { "a": "{a}", "both": "{a} {b}" } } }
            """;
        var (body, answered) = ("", 0);
        await using var service = await HttpStub.StartAsync(async context =>
        {
            body = await new StreamReader(context.Request.Body).ReadToEndAsync();
            answered++;
            await context.Response.WriteAsync("{}");
        });
        await using var tools = ToolSetup.Of("any", file, ("ANY_URL", service.Url.ToString().TrimEnd('/')));
        var text = Gen.OneOf(Foreign.WellFormedText, Foreign.One(".", "..", "/", "\\", "%2e", "%2F", "?", "#", "&", "=", "@", ":", "{a}", "%ANY_URL%", "\"}", "\r\n").Array[1, 4].Select(string.Concat));
        await Fuzz.RunAsync(Gen.Select(text, text), async input =>
        {
            var (a, b) = input;
            var before = answered;
            var output = await tools.RunAsync("any", JsonSerializer.Serialize(new { a, b }));
            TextShouldBeSound(output);
            if (answered == before)
            {
                output.ShouldContain("error");
                return;
            }

            var target = service.Requests.Last();
            var (path, query) = (target[..target.IndexOf('?')], target[(target.IndexOf('?') + 1)..]);
            path.Split('/').Select(Uri.UnescapeDataString).ShouldBe(["", "v1", a, "x" + b]);
            query.Split('&').Select(Uri.UnescapeDataString).ShouldBe(["q=" + a, "r=" + b]);
            JsonElement.Parse(body).EnumerateObject().Select(member => (member.Name, member.Value.GetString())).ShouldBe([("a", a), ("both", $"{a} {b}")]);
        });
    }

    [Fact]
    public async Task Whatever_a_service_answers_a_tool_has_an_output()
    {
        var (answer, number) = (Array.Empty<byte>(), 0);
        await using var service = await HttpStub.StartAsync(async context =>
        {
            context.Response.ContentType = "application/json";
            await context.Response.Body.WriteAsync(answer);
        });
        await using var tools = Tools(service);
        await Fuzz.RunAsync(
            Gen.Select(
                Foreign.One("get_weather", "get_user_audit_logs", "get_user_role"),
                Foreign.Changed(
                    """[{"name":"Makati","lat":14.5,"lon":121.0,"country":"PH"}]""",
                    """{"main":{"temp":30.1,"feels_like":35,"humidity":70},"weather":[{"description":"clear sky"}],"wind":{"speed":3.1},"name":"Makati","sys":{"country":"PH"},"coord":{"lat":14.5,"lon":121}}""",
                    """{"data":{"items":[{"action":"Update","tableName":"Users","changeSummary":"x","createdAt":"2025-01-31 13:45:10.123"},{"action":"Add","tableName":null,"changeSummary":"y","createdAt":"2025-01-30 13:45:10.123"}],"totalPages":1,"totalCount":2,"hasPreviousPage":false,"hasNextPage":false}}""",
                    """{"data":"admin"}""")),
            async input =>
            {
                answer = input.Item2;
                var arguments = input.Item1 == "get_weather" ? $$"""{"city":"City {{number++}}"}""" : """{"email":"ana@example.com"}""";
                TextShouldBeSound(await tools.RunAsync(input.Item1, arguments, "auditor"));
            });
    }

    [Fact]
    public void Metadata_that_another_program_wrote_is_counted_on_or_replaced() => Fuzz.Run(
        Foreign.Changed("""{"created_at":1683042123.4,"message_count":3,"last_message_at":1683042200.1,"last_message_id":"m1","theirs":{"a":1}}"""), value =>
        {
            var metadata = ThreadMetadata.Parse(Encoding.UTF8.GetString(value)) ?? ThreadMetadata.New(1);
            var before = metadata.Messages;

            metadata.Count(["another message"], 1683042300).ShouldBeTrue();

            var after = ThreadMetadata.Parse(metadata.ToString()).ShouldNotBeNull();
            (after.Messages >= 1).ShouldBeTrue();
            after.Messages.ShouldBe(before is { } count ? Math.Min(count + 1, 1L << 53) : after.Messages);
            after.IsWhole.ShouldBeTrue();
            after.LastActivity.ShouldBe(1683042300);
        });

    private static readonly string[] Events =
    [
        """{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1766440374,"status":"in_progress","output":[]}}""",
        """{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}""",
        """{"type":"response.output_text.delta","sequence_number":2,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"Hel\ud83d\ude00"}""",
        """{"type":"response.output_text.done","sequence_number":3,"item_id":"msg_1","output_index":0,"content_index":0,"text":"Hello"}""",
        """{"type":"response.output_item.done","sequence_number":4,"output_index":0,"item":{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hello","annotations":[]}]}}""",
        """{"type":"response.output_item.done","sequence_number":5,"output_index":1,"item":{"id":"fc_1","type":"function_call","status":"completed","call_id":"call_1","name":"get_weather","arguments":"{\"city\":\"Makati\"}"}}""",
        """{"type":"response.completed","sequence_number":6,"response":{"id":"resp_1","status":"completed","output":[{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"output_text","text":"Hello"}]}],"usage":{"input_tokens":1,"output_tokens":2}}}""",
        """{"type":"response.incomplete","sequence_number":6,"response":{"id":"resp_1","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[]}}""",
        """{"type":"response.failed","sequence_number":6,"response":{"id":"resp_1","status":"failed","error":{"code":"server_error","message":"x"},"output":[]}}""",
        """{"type":"error","sequence_number":6,"code":"rate_limit_exceeded","message":"x","param":null}""",
        """{"error":{"code":null,"type":"invalid_request_error","message":"x"}}""",
    ];

    private static ToolSetup Tools(HttpStub service) => new(new()
    {
        ["Cosmo:Tools:Weather:BaseUrl"] = service.Url.ToString(),
        ["Cosmo:Tools:Weather:ApiKey"] = "key",
        ["Cosmo:Tools:AuditApi:BaseUrl"] = service.Url.ToString(),
        ["Cosmo:Tools:UserRoleApi:BaseUrl"] = service.Url.ToString(),
        ["Cosmo:Tools:ApiKey"] = "key",
    });

    /// <summary>What a tool says goes to the model as JSON.</summary>
    private static void TextShouldBeSound(string output)
    {
        output.ShouldNotBeEmpty();
        Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(output)).ShouldBe(output);
    }

    private static Gen<string> HeaderName { get; } = Foreign.One(
        DeadLetters.IdHeader, DeadLetters.CauseHeader, DeadLetters.ReasonHeader, DeadLetters.FailedAtHeader, DeadLetters.ChannelHeader, DeadLetters.MessageIdHeader,
        DeliveryProperties.AttemptHeader, "x-death", "x-first-death-queue", "x-ms-rabbitmq-requeuecount", "mine");

    /// <summary>Whatever a field of AMQP may hold.</summary>
    private static Gen<object> HeaderValue { get; } = Gen.OneOf(
        Foreign.Text.Select(text => (object)Encoding.UTF8.GetBytes(text)),
        Gen.Byte.Array[0, 20].Select(bytes => (object)bytes),
        Gen.Int.Select(number => (object)number),
        Gen.Long.Select(number => (object)number),
        Gen.Double.Select(number => (object)number),
        Gen.Bool.Select(flag => (object)flag),
        Gen.Long.Select(seconds => (object)new AmqpTimestamp(seconds)),
        Gen.Const((object)new List<object> { new Dictionary<string, object?> { ["queue"] = "queue"u8.ToArray(), ["count"] = long.MaxValue, ["time"] = new AmqpTimestamp(long.MaxValue), ["reason"] = null } }),
        Gen.Const((object)new List<object> { 1, "x"u8.ToArray() }),
        Gen.Const((object)new Dictionary<string, object?> { ["queue"] = 1 }));

    /// <summary>An answer of HTTP with a body.</summary>
    private sealed class Answer(Stream body, string contentType) : PipelineResponse
    {
        public override int Status => 200;

        public override string ReasonPhrase => "OK";

        public override Stream? ContentStream { get; set; } = body;

        public override BinaryData Content => throw new NotSupportedException();

        protected override PipelineResponseHeaders HeadersCore { get; } = new OneHeader(contentType);

        public override BinaryData BufferContent(CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public override ValueTask<BinaryData> BufferContentAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public override void Dispose()
        {
        }
    }

    private sealed class OneHeader(string contentType) : PipelineResponseHeaders
    {
        public override bool TryGetValue(string name, out string? value)
        {
            value = name == "Content-Type" ? contentType : null;
            return value is not null;
        }

        public override bool TryGetValues(string name, out IEnumerable<string>? values)
        {
            values = TryGetValue(name, out var value) ? [value!] : null;
            return values is not null;
        }

        public override IEnumerator<KeyValuePair<string, string>> GetEnumerator() => Enumerable.Repeat(KeyValuePair.Create("Content-Type", contentType), 1).GetEnumerator();
    }
}
