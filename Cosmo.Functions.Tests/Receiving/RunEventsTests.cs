using System.Text.Json;
using Cosmo.Functions.Access;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Receiving.AgUi;

namespace Cosmo.Functions.Tests.Receiving;

/// <summary>Updates of a message as the events of an AG-UI run.</summary>
public sealed class RunEventsTests
{
    private static readonly MessageAddress Address = new("c1", "m1", 1);

    [Fact]
    public void A_text_is_told_in_pieces_and_closed_before_the_run_ends()
    {
        Tell(Events(), Updates.Started(Address), Text("Hel"), Text("Hello"), Text("Hello"), Updates.Completed(Address, "conv_1", "Hello you") with { Usage = new TokenUsage(10, 4, 3, "gpt", 1) })
            .ShouldBe([
                """{"type":"CUSTOM","name":"cosmo.status","value":{"status":"started","message":"Assistant is processing your request..."}}""",
                """{"type":"TEXT_MESSAGE_START","messageId":"m1:answer","role":"assistant"}""",
                """{"type":"TEXT_MESSAGE_CONTENT","messageId":"m1:answer","delta":"Hel"}""",
                """{"type":"TEXT_MESSAGE_CONTENT","messageId":"m1:answer","delta":"lo"}""",
                """{"type":"TEXT_MESSAGE_CONTENT","messageId":"m1:answer","delta":" you"}""",
                """{"type":"TEXT_MESSAGE_END","messageId":"m1:answer"}""",
                """{"type":"RUN_FINISHED","threadId":"c1","runId":"r1","outcome":{"type":"success"},"usage":[{"model":"gpt","inputTokens":10,"outputTokens":3,"totalTokens":13,"cachedInputTokens":4}]}""",
            ]);
    }

    [Fact]
    public void The_run_begins_with_its_names() => Events().Begin().Select(one => one.ToJsonString())
        .ShouldBe(["""{"type":"RUN_STARTED","threadId":"c1","runId":"r1","protocolVersion":"1.0"}"""]);

    [Fact]
    public void What_is_said_after_a_tool_is_a_message_of_its_own()
    {
        Tell(Events(), Text("Let me see."), Tool("running"), Tool("done", 0.25), Text("Let me see.\n\nIt is"), Updates.Completed(Address, "conv_1", "Let me see.\n\nIt is."))
            .ShouldBe([
                """{"type":"TEXT_MESSAGE_START","messageId":"m1:answer","role":"assistant"}""",
                """{"type":"TEXT_MESSAGE_CONTENT","messageId":"m1:answer","delta":"Let me see."}""",
                """{"type":"TEXT_MESSAGE_END","messageId":"m1:answer"}""",
                """{"type":"TOOL_CALL_START","toolCallId":"call_1","toolCallName":"get_weather"}""",
                """{"type":"TOOL_CALL_END","toolCallId":"call_1"}""",
                """{"type":"TOOL_CALL_RESULT","messageId":"call_1:result","toolCallId":"call_1","content":"{\u0022state\u0022:\u0022done\u0022,\u0022seconds\u0022:0.25}","role":"tool"}""",
                """{"type":"TEXT_MESSAGE_START","messageId":"m1:answer:2","role":"assistant"}""",
                """{"type":"TEXT_MESSAGE_CONTENT","messageId":"m1:answer:2","delta":"It is"}""",
                """{"type":"TEXT_MESSAGE_CONTENT","messageId":"m1:answer:2","delta":"."}""",
                """{"type":"TEXT_MESSAGE_END","messageId":"m1:answer:2"}""",
                """{"type":"RUN_FINISHED","threadId":"c1","runId":"r1","outcome":{"type":"success"}}""",
            ]);
    }

    [Fact]
    public void No_piece_ends_within_a_surrogate_pair() =>
        Pieces(Events(), Text("a\ud83d"), Text("a\ud83d\ude00"), Text("a\ud83d\ude00b\ud83d"), Updates.Completed(Address, "conv_1", "a\ud83d\ude00b\ud83d\ude00"))
            .ShouldBe(["a", "\ud83d\ude00", "b", "\ud83d\ude00"]);

    [Fact]
    public void A_client_is_told_only_what_it_has_not()
    {
        var shown = Shown(("m1:answer", "Let me see."), ("m1:answer:2", "It is"), ("other:answer", "No"));

        Tell(Events(shown with { Calls = new HashSet<string> { "call_1" }, Answered = new HashSet<string> { "call_1" } }), Tool("running"), Tool("done", 1), Text("Let me see.\n\nIt is 31 °C"))
            .ShouldBe([
                """{"type":"TEXT_MESSAGE_START","messageId":"m1:answer:2","role":"assistant"}""",
                """{"type":"TEXT_MESSAGE_CONTENT","messageId":"m1:answer:2","delta":" 31 \u00B0C"}""",
            ]);
        Pieces(Events(shown), Text("Let me see."), Text("Let me see.\n\nIt is")).ShouldBeEmpty();
    }

    [Fact]
    public void A_text_that_turned_out_otherwise_is_another_message_and_the_client_is_told_which_it_replaces()
    {
        var events = Tell(Events(), Text("It was"), Text("There is"), Updates.Completed(Address, "conv_1", "There is one."));

        events[2..5].ShouldBe([
            """{"type":"TEXT_MESSAGE_END","messageId":"m1:answer"}""",
            """{"type":"CUSTOM","name":"cosmo.replaced","value":{"messageId":"m1:answer"}}""",
            """{"type":"TEXT_MESSAGE_START","messageId":"m1:answer:2","role":"assistant"}""",
        ]);
    }

    [Fact]
    public void An_error_closes_what_is_open_and_has_its_cause() => Tell(Events(), Text("Hel"), Updates.Timeout(Address, "conv_1", "Too late.", "Processing exceeded"))[2..]
        .ShouldBe([
            """{"type":"TEXT_MESSAGE_END","messageId":"m1:answer"}""",
            """{"type":"RUN_ERROR","message":"Too late.","code":"timeout","metadata":{"error_details":"Processing exceeded"}}""",
        ]);

    [Theory]
    [InlineData("Hello y", 1)]
    [InlineData("Hel", 0)]
    public void What_was_cancelled_ends_with_the_text_so_far(string text, int more)
    {
        var events = Tell(Events(), Text("Hello"), Updates.Cancelled(Address, "conv_1", text));

        events.Count.ShouldBe(4 + more);
        events[^1].ShouldBe("""{"type":"RUN_FINISHED","threadId":"c1","runId":"r1","outcome":{"type":"cancelled"}}""");
    }

    [Fact]
    public void What_is_special_about_an_end_is_told_before_it()
    {
        Tell(Events(), Updates.Completed(Address, "conv_1", "Hi") with { Incomplete = "max_output_tokens" })[^2]
            .ShouldBe("""{"type":"CUSTOM","name":"cosmo.status","value":{"status":"completed","incomplete":"max_output_tokens"}}""");
        Tell(Events(), Updates.Completed(Address, "conv_1", "Hi") with { AnsweredBy = "m0" })[^2]
            .ShouldBe("""{"type":"CUSTOM","name":"cosmo.status","value":{"status":"completed","answered_by":"m0"}}""");
    }

    [Fact]
    public void Calls_that_wait_for_a_person_interrupt_the_run_until_one_has_decided()
    {
        var events = Events();
        var call = new ToolCallUpdate("call_1", "add_note", ToolCallUpdate.AwaitingApproval)
        {
            Arguments = JsonSerializer.SerializeToElement(new { text = "Milk" }),
            ExpiresAt = new DateTimeOffset(2026, 11, 26, 5, 30, 0, TimeSpan.Zero),
        };
        Tell(events, Updates.Tool(Address, "conv_1", call)).ShouldBe([
            """{"type":"TOOL_CALL_START","toolCallId":"call_1","toolCallName":"add_note"}""",
            """{"type":"TOOL_CALL_ARGS","toolCallId":"call_1","delta":"{\u0022text\u0022:\u0022Milk\u0022}"}""",
            """{"type":"TOOL_CALL_END","toolCallId":"call_1"}""",
        ]);

        var finished = events.Interrupt(events.Awaiting).Single();
        finished["outcome"]!["type"]!.GetValue<string>().ShouldBe("interrupt");
        var interrupt = finished["outcome"]!["interrupts"]!.AsArray().Single()!;
        interrupt["id"]!.GetValue<string>().ShouldBe("call_1");
        interrupt["expiresAt"]!.GetValue<string>().ShouldBe("2026-11-26T05:30:00.000Z");

        var other = Events();
        Tell(other, Updates.Tool(Address, "conv_1", call), Updates.Tool(Address, "conv_1", call with { State = "refused", Arguments = null, ExpiresAt = null }));
        other.Awaiting.ShouldBeEmpty();
    }

    private static RunEvents Events(ShownMessages? shown = null) => new("c1", "r1", "m1", shown ?? ShownMessages.None);

    private static ShownMessages Shown(params (string Id, string Text)[] texts) => ShownMessages.None with { Texts = texts.ToDictionary(one => one.Id, one => one.Text) };

    private static UpdatePayload Text(string text) => Updates.Text(Address, "conv_1", text);

    private static UpdatePayload Tool(string state, double? seconds = null) => Updates.Tool(Address, "conv_1", new("call_1", "get_weather", state, seconds));

    private static List<string> Tell(RunEvents events, params UpdatePayload[] updates) => [.. updates.SelectMany(events.Take).Select(one => one.ToJsonString())];

    private static IEnumerable<string> Pieces(RunEvents events, params UpdatePayload[] updates) =>
        updates.SelectMany(events.Take).Where(one => one["type"]!.GetValue<string>() == "TEXT_MESSAGE_CONTENT").Select(one => one["delta"]!.GetValue<string>());
}
