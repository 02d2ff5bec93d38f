using System.Text;
using Cosmo.Functions.Receiving.AgUi;

namespace Cosmo.Functions.Tests.Receiving;

/// <summary>What AG-UI clients send.</summary>
public sealed class RunInputTests
{
    [Fact]
    public void The_last_message_of_the_user_is_the_question_and_what_nobody_asks_for_may_hold_anything()
    {
        var input = Read("""
            {"threadId": "c1", "runId": "r1", "state": NaN, "tools": 7, "context": "\ud83d", "forwardedProps": {"profile": "sales", "x": 1}, "resume": null,
             "messages": [7, {"role": "user", "content": "First"}, {"role": "assistant", "id": "r0:answer", "content": "One", "toolCalls": [{"id": "call_1"}]},
                          {"role": "tool", "toolCallId": "call_1"}, {"role": "user", "content": "Second"}, {"role": "assistant", "id": "r1:answer", "content": "Tw"}]}
            """);

        (input.ThreadId, input.RunId, input.Question, input.Profile, input.Decisions.Count).ShouldBe(("c1", "r1", "Second", "sales", 0));
        input.Shown.Texts.ShouldBe(new Dictionary<string, string> { ["r0:answer"] = "One", ["r1:answer"] = "Tw" }, ignoreOrder: true);
        (input.Shown.Calls.Single(), input.Shown.Answered.Single()).ShouldBe(("call_1", "call_1"));
    }

    [Theory]
    [InlineData("\"Hello\"", "Hello")]
    [InlineData("""[{"type": "text", "text": "Hello"}, {"type": "image", "source": {}}, {"type": "text", "text": "you"}]""", "Hello\nyou")]
    [InlineData("""[{"type": "image"}]""", "")]
    [InlineData("7", "")]
    [InlineData("null", "")]
    public void A_content_is_a_text_or_has_parts(string content, string text) =>
        Read($$$"""{"threadId": "c1", "runId": "r1", "messages": [{"role": "user", "content": {{{content}}}}]}""").Question.ShouldBe(text);

    [Theory]
    [InlineData("""{"interruptId": "i", "status": "resolved", "payload": {"approved": true, "reason": "Good."}}""", true, "Good.")]
    [InlineData("""{"interruptId": "i", "status": "resolved", "payload": {"approved": false, "reason": null}}""", false, null)]
    [InlineData("""{"interruptId": "i", "status": "resolved", "payload": true}""", true, null)]
    [InlineData("""{"interruptId": "i", "status": "cancelled"}""", false, null)]
    [InlineData("""{"interruptId": "i", "status": "cancelled", "payload": {"approved": true}}""", false, null)]
    public void A_call_is_decided_on(string entry, bool isApproved, string? reason) =>
        Read($$"""{"threadId": "c1", "runId": "r1", "messages": [], "resume": [{{entry}}]}""").Decisions.ShouldHaveSingleItem().ShouldBe(new RunDecision("i", isApproved, reason));

    [Theory]
    [InlineData("7", "JSON object")]
    [InlineData("""{"runId": "r1", "messages": []}""", "'threadId'")]
    [InlineData("""{"threadId": " ", "runId": "r1", "messages": []}""", "'threadId'")]
    [InlineData("""{"threadId": "c1", "runId": 7, "messages": []}""", "'runId'")]
    [InlineData("""{"threadId": "c1", "runId": "\ud83d", "messages": []}""", "'runId'")]
    [InlineData("""{"threadId": "c1", "runId": "r1"}""", "'messages'")]
    [InlineData("""{"threadId": "c1", "runId": "r1", "messages": [], "resume": {}}""", "'resume'")]
    [InlineData("""{"threadId": "c1", "runId": "r1", "messages": [], "resume": [{"interruptId": "i", "status": "resolved"}]}""", "'resume'")]
    [InlineData("""{"threadId": "c1", "runId": "r1", "messages": [], "resume": [{"interruptId": "i", "status": "resolved", "payload": {"approved": "yes"}}]}""", "'resume'")]
    [InlineData("""{"threadId": "c1", "runId": "r1", "messages": [], "resume": [{"interruptId": "i", "status": "resolved", "payload": {"approved": true, "reason": 7}}]}""", "'resume'")]
    [InlineData("""{"threadId": "c1", "runId": "r1", "messages": [], "resume": [{"interruptId": "", "status": "cancelled"}]}""", "'resume'")]
    [InlineData("""{"threadId": "c1", "runId": "r1", "messages": [], "resume": [7]}""", "'resume'")]
    public void What_is_none_is_refused_by_the_name_of_its_field(string body, string named)
    {
        RunInput.TryRead(Encoding.UTF8.GetBytes(body), out _, out var fault).ShouldBeFalse();

        fault!.ShouldContain(named);
    }

    [Fact]
    public void A_name_has_as_many_characters_as_a_channels()
    {
        RunInput.TryRead(Body(512), out _, out _).ShouldBeTrue();
        RunInput.TryRead(Body(513), out _, out _).ShouldBeFalse();

        static byte[] Body(int length) => Encoding.UTF8.GetBytes($$"""{"threadId": "{{new string('x', length)}}", "runId": "r1", "messages": []}""");
    }

    private static RunInput Read(string body)
    {
        RunInput.TryRead(Encoding.UTF8.GetBytes(body), out var input, out var fault).ShouldBeTrue(fault);
        return input!;
    }
}
