using System.Text;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Messaging;

public class ChatMessageReaderTests
{
    private readonly ChatMessageReader _reader = new(Options.Create(new MessagingOptions()));

    [Fact]
    public void A_message_is_read_and_other_fields_are_ignored()
    {
        var message = Read("""{"channel": "c", "message_id": "m", "message": "Weather in Makati?", "extra": [1, {"a": null}], "user": 5}""");

        message.ShouldBe(new ChatMessage("c", "m", "Weather in Makati?", message.Caller));
        (message.Caller.Id, message.Caller.Roles.Count, message.Caller.IsTrustedProducer).ShouldBe((null, 0, false));
    }

    [Theory]
    [InlineData("""{"channel":"c","message_id":"m","message":"x","score":NaN}""")]
    [InlineData("""{"channel":"c","message_id":"m","message":"x","score":[-Infinity, Infinity, {"NaN": NaN}]}""")]
    [InlineData("""{"channel":"c","message_id":"m","message":"x","mood":"\ud83d"}""")]
    [InlineData("""{"channel":"c","message_id":"m","message":"x","mood\udc00":1}""")]
    [InlineData("""{"channel":"another","ch\u0061nnel":"c","message_id":"m","message":"x"}""")]
    [InlineData("\uFEFF{\"channel\":\"c\",\"message_id\":\"m\",\"message\":\"x\"}")]
    public void What_Python_reads_is_read(string body) => Read(body).ShouldBe(new ChatMessage("c", "m", "x", Caller.TrustedProducer));

    [Fact]
    public void An_ignored_field_may_be_as_deep_as_it_likes_and_hold_what_is_no_text()
    {
        const int depth = 100_000;
        byte[] body =
        [
            .. "{\"extra\": "u8, .. Enumerable.Repeat((byte)'[', depth), .. Enumerable.Repeat((byte)']', depth), .. ", \"bytes\": \""u8, 0xC3, 0x28,
            .. "\", \"channel\": \"c\", \"message_id\": \"m\", \"message\": \"x\"}"u8,
        ];

        _reader.TryRead(body, out var message, out var rejection).ShouldBeTrue(rejection?.Reason);
        message!.Message.ShouldBe("x");
    }

    [Theory]
    [InlineData("""{"id":"Ana \ud83d","roles":["auditor"]}""")]
    [InlineData("""{"id":"ana","roles":["auditor","\ud83d"]}""")]
    [InlineData("""{"id":"\ud83d"}""")]
    [InlineData("""[NaN]""")]
    [InlineData("""null""")]
    public void A_user_that_cannot_be_read_has_neither_id_nor_roles(string user) =>
        Read($$"""{"channel":"c","message_id":"m","message":"Hi","user":{{user}}}""").Caller.ShouldSatisfyAllConditions(
            caller => caller.Id.ShouldBeNull(), caller => caller.Roles.ShouldBeEmpty(), caller => caller.IsTrustedProducer.ShouldBeFalse());

    [Theory]
    [InlineData("null")]
    [InlineData("\"\"")]
    [InlineData("5")]
    [InlineData("[\"m-0\"]")]
    [InlineData("\"\\ud83d\"")]
    public void A_profile_and_a_message_to_replace_of_another_form_count_as_absent(string other)
    {
        Read($$"""{"channel":"c","message_id":"m","message":"Hi","replaces":{{other}}}""").Replaces.ShouldBeNull();
        Read($$"""{"channel":"c","message_id":"m","message":"Hi","profile":{{(other[0] == '"' ? "7" : other)}}}""").Profile.ShouldBeNull();
    }

    [Fact]
    public void A_message_does_not_replace_itself()
    {
        var body = """{"channel":"c","message_id":"m","message":"Hi","replaces":"m"}"""u8.ToArray();

        _reader.TryRead(body, out _, out var rejection).ShouldBeFalse();
        _reader.TryReadClientEvent(body, "c", Caller.Anonymous, out _, out var refusal).ShouldBeFalse();

        rejection.ShouldBe(new Rejection("invalid_message", "Field 'replaces' must not be the message's own id.", "c", "m"));
        refusal.ShouldBe(rejection);
    }

    [Fact]
    public void What_a_message_replaces_is_read_from_every_source()
    {
        var body = """{"channel":"c","message_id":"m","message":"Hi","replaces":"m-0"}"""u8.ToArray();

        _reader.TryReadClientEvent(body, "c", Caller.Anonymous, out var sent, out _).ShouldBeTrue();
        sent!.Replaces.ShouldBe("m-0");
        Read(Encoding.UTF8.GetString(MessagePublisher.BodyOf(sent))).Replaces.ShouldBe("m-0");
    }

    [Fact]
    public void A_message_that_is_written_reads_back_as_it_is()
    {
        foreach (var caller in (Caller[])[Caller.Anonymous, Caller.TrustedProducer, new Caller("ana", ["auditor"])])
        {
            var read = Read(Encoding.UTF8.GetString(MessagePublisher.BodyOf(new ChatMessage("c", "m", "Hi", caller)))).Caller;

            (read.Id, string.Join(',', read.Roles), read.IsTrustedProducer).ShouldBe((caller.Id, string.Join(',', caller.Roles), caller.IsTrustedProducer));
        }
    }

    [Theory]
    [InlineData("""{"id":"ana","roles":["auditor"],"name":"Ana \ud83d"}""")]
    [InlineData("""{"id":"ana","roles":["auditor"],"\ud83d":NaN}""")]
    public void What_else_a_user_has_does_not_matter(string user)
    {
        var caller = Read($$"""{"channel":"c","message_id":"m","message":"Hi","user":{{user}}}""").Caller;

        (caller.Id, caller.Roles.Single()).ShouldBe(("ana", "auditor"));
    }

    [Fact]
    public void A_user_of_any_length_does_not_go_where_only_an_answer_needs_it() =>
        Read("""{"channel":"c","message_id":"m","message":"Hi","user":{"id":"…"}}""".Replace("…", new string('a', 1 << 20))).Caller.Id.ShouldBeNull();

    [Fact]
    public void A_body_beyond_the_bound_is_refused_and_its_sender_known()
    {
        var rejection = Reject(Encoding.UTF8.GetBytes($$"""{"channel": "c", "message_id": "m", "message": "x", "extra": "{{new string('x', 16 << 20)}}"}"""));

        rejection.ShouldBe(new Rejection("too_long", "The body has 16777280 bytes; at most 16777216 are taken.", "c", "m"));
    }

    [Fact]
    public void The_producer_may_say_who_asks()
    {
        var caller = Read("""{"channel": "c", "message_id": "m", "message": "x", "user": {"id": "ana", "roles": ["Auditor", 5, "Admin"]}}""").Caller;

        caller.Id.ShouldBe("ana");
        caller.Roles.ShouldBe(["Auditor", "Admin"]);
    }

    [Theory]
    [InlineData("""{"message_id": "m", "message": "x"}""", "Field 'channel' is missing.", null, "m")]
    [InlineData("""{"channel": "c", "message": "x"}""", "Field 'message_id' is missing.", "c", null)]
    [InlineData("""{"channel": "c", "message_id": "m"}""", "Field 'message' is missing.", "c", "m")]
    [InlineData("""{"channel": "", "message_id": "m", "message": "x"}""", "Field 'channel' must not be empty.", null, "m")]
    [InlineData("""{"channel": "c", "message_id": "  ", "message": "x"}""", "Field 'message_id' must not be empty.", "c", null)]
    [InlineData("""{"channel": "c", "message_id": "m", "message": ""}""", "Field 'message' must not be empty.", "c", "m")]
    [InlineData("""{"channel": 5, "message_id": "m", "message": "x"}""", "Field 'channel' must be a string; it is a number.", null, "m")]
    [InlineData("""{"channel": "c", "message_id": {}, "message": "x"}""", "Field 'message_id' must be a string; it is an object.", "c", null)]
    [InlineData("""{"channel": "c", "message_id": "m", "message": null}""", "Field 'message' must be a string; it is null.", "c", "m")]
    [InlineData("""{"channel": "c", "message_id": "m", "message": "\ud83d"}""", "Field 'message' holds half of a surrogate pair.", "c", "m")]
    [InlineData("""{"channel": "c", "message_id": "m", "message": true}""", "Field 'message' must be a string; it is a boolean.", "c", "m")]
    [InlineData("""{"message": "x"}""", "Field 'channel' is missing.", null, null)]
    [InlineData("""["channel"]""", "The body must be a JSON object; it is an array.", null, null)]
    [InlineData("\"text\"", "The body must be a JSON object; it is a string.", null, null)]
    public void What_is_no_message_is_refused_with_a_reason_that_names_the_field(string body, string reason, string? channel, string? messageId)
    {
        var rejection = Reject(Encoding.UTF8.GetBytes(body));

        rejection.ShouldBe(new Rejection("invalid_message", reason, channel, messageId));
    }

    [Theory]
    [InlineData("")]
    [InlineData("hello")]
    [InlineData("{\"channel\": \"c\"")]
    [InlineData("{'channel': 'c'}")]
    public void What_is_not_JSON_is_refused(string body) => Reject(Encoding.UTF8.GetBytes(body)).Cause.ShouldBe("not_json");

    [Fact]
    public void JSON_that_does_not_end_is_refused() =>
        Reject(Encoding.UTF8.GetBytes(new string('[', 100_000))).Cause.ShouldBe("not_json");

    [Fact]
    public void Invalid_UTF8_is_refused() =>
        Reject((byte[])[.. "{\"channel\": \"c\", \"message_id\": \"m\", \"message\": \""u8, 0xC3, 0x28, .. "\"}"u8]).Cause.ShouldBe("invalid_encoding");

    [Fact]
    public void A_message_that_is_too_long_is_refused_and_its_sender_known()
    {
        var rejection = Reject(Encoding.UTF8.GetBytes($$"""{"channel": "c", "message_id": "m", "message": "{{new string('x', 1 << 20)}}"}"""));

        rejection.Cause.ShouldBe("too_long");
        rejection.Channel.ShouldBe("c");
        rejection.MessageId.ShouldBe("m");
        rejection.Reason.ShouldContain("at most 32000");
    }

    [Fact]
    public void A_channel_that_is_too_long_is_refused() =>
        Reject(Encoding.UTF8.GetBytes($$"""{"channel": "{{new string('c', 513)}}", "message_id": "m", "message": "x"}""")).Reason
            .ShouldBe("Field 'channel' is longer than 512 characters.");

    [Fact]
    public void A_client_event_speaks_for_its_connection_alone()
    {
        var caller = new Caller("ana", ["Reader"]);

        _reader.TryReadClientEvent(
            """{"message_id": "m", "message": "x", "user": {"id": "bob", "roles": ["Auditor"]}}"""u8.ToArray(), "c", caller, out var message, out _).ShouldBeTrue();

        message.ShouldBe(new ChatMessage("c", "m", "x", caller));
    }

    [Theory]
    [InlineData("""{"message_id": "m", "message": "x", "channel": "another"}""")]
    [InlineData("""{"message_id": "m", "message": "x", "channel": 5}""")]
    [InlineData("""{"message": "x"}""")]
    [InlineData("[]")]
    [InlineData("no json")]
    [InlineData("""{"a": 1, "a": 2}""")]
    public void A_client_event_that_is_no_message_of_its_channel_is_refused(string body) =>
        _reader.TryReadClientEvent(Encoding.UTF8.GetBytes(body), "c", Caller.Anonymous, out _, out _).ShouldBeFalse();

    [Theory]
    [InlineData("no json", "not_json", "The event is not a JSON object in UTF-8.")]
    [InlineData("[]", "invalid_message", "The event must be a JSON object.")]
    [InlineData("""{"message_id": "m", "message": "x", "channel": "another"}""", "invalid_message", "The event names another channel than its connection's.")]
    public void What_is_wrong_with_a_client_event_is_said(string body, string cause, string reason)
    {
        _reader.TryReadClientEvent(Encoding.UTF8.GetBytes(body), "c", Caller.Anonymous, out var message, out var rejection).ShouldBeFalse();

        (message, rejection!.Cause, rejection.Reason).ShouldBe((null, cause, reason));
    }

    [Fact]
    public void What_is_just_as_long_as_it_may_be_is_taken_and_one_more_is_not_from_every_source()
    {
        var reader = new ChatMessageReader(Options.Create(new MessagingOptions { MaxMessageLength = 10, MaxBodyBytes = 60 }));
        string Body(string text, string more) => $$"""{"channel":"c","message_id":"m","message":"{{text}}"{{more}}}""";

        Causes(Body("0123456789", "")).ShouldBe([null, null]);
        Causes(Body("0123456789a", "")).ShouldBe(["too_long", "too_long"]);
        Causes(Body("0123456789", "").PadRight(60)).ShouldBe([null, null]);
        Causes(Body("0123456789", "").PadRight(61)).ShouldBe(["too_long", "too_long"]);
        Causes(Body("0123456789a", ",\"replaces\":\"m\"")).ShouldBe(["too_long", "too_long"]);

        string?[] Causes(string body)
        {
            reader.TryRead(Encoding.UTF8.GetBytes(body), out _, out var rejection);
            reader.TryReadClientEvent(Encoding.UTF8.GetBytes(body), "c", Caller.Anonymous, out var message, out var refusal);
            (message is null).ShouldBe(refusal is not null);
            return [rejection?.Cause, refusal?.Cause];
        }
    }

    [Theory]
    [InlineData(512, true)]
    [InlineData(513, false)]
    public void Names_of_512_characters_are_read(int length, bool isRead)
    {
        var name = new string('n', length);

        _reader.TryRead(Encoding.UTF8.GetBytes($$"""{"channel":"{{name}}","message_id":"m","message":"x"}"""), out _, out _).ShouldBe(isRead);
        Read($$"""{"channel":"c","message_id":"m","message":"x","profile":"{{name}}"}""").Profile.ShouldBe(isRead ? name : "");
        CallerOf($$"""{"id":"{{name}}"}""").Id.ShouldBe(isRead ? name : null);
        CallerOf($$"""{"id":"ana","roles":["{{name}}"]}""").Id.ShouldBe(isRead ? "ana" : null);
        CallerOf($$"""{"id":"ana","issuer":"{{name}}"}""").Issuer.ShouldBe(isRead ? name : null);
        CallerOf($$"""{"id":"ana","source":"{{name}}"}""").Source.ShouldBe(isRead ? name : null);
    }

    [Theory]
    [InlineData("""{"id":"ana","issuer":"https://login.example.com","source":"here"}""", "ana", "https://login.example.com", "here")]
    [InlineData("""{"id":"ana","issuer":null,"source":5}""", "ana", null, null)]
    [InlineData("""{"id":"ana","issuer":""}""", null, null, null)]
    [InlineData("""{"id":"ana","issuer":5}""", null, null, null)]
    public void A_user_has_an_issuer_and_a_source_and_is_nobody_when_the_issuer_cannot_be_read(string user, string? id, string? issuer, string? source)
    {
        var caller = CallerOf(user);

        (caller.Id, caller.Issuer, caller.Source).ShouldBe((id, issuer, source));
    }

    [Fact]
    public void What_is_no_text_is_told_as_such()
    {
        Reject((byte[])[0xC3, 0x28]).ShouldBe(new Rejection("invalid_encoding", "The body is not valid UTF-8."));
        Reject((byte[])[.. "{\"channel\": \"c\", \"message_id\": \"m\", \"message\": \""u8, 0xC3, 0x28, .. "\"}"u8]).Reason.ShouldBe("Field 'message' is not valid UTF-8.");
        Reject(Encoding.UTF8.GetBytes("hello")).Reason.ShouldStartWith("The body is not JSON (byte ");
        ChatMessageReader.FindAddress("hello"u8.ToArray()).ShouldBe((null, null));
    }

    private Caller CallerOf(string user) => Read($$"""{"channel":"c","message_id":"m","message":"x","user":{{user}}}""").Caller;

    private ChatMessage Read(string body)
    {
        _reader.TryRead(Encoding.UTF8.GetBytes(body), out var message, out var rejection).ShouldBeTrue(rejection?.Reason);
        return message!;
    }

    private Rejection Reject(ReadOnlyMemory<byte> body)
    {
        _reader.TryRead(body, out _, out var rejection).ShouldBeFalse();
        return rejection!;
    }
}
