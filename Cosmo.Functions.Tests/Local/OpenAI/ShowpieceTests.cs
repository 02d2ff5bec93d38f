using OpenAI.Responses;

namespace Cosmo.Functions.Tests.Local.OpenAI;

/// <summary>What the emulated model shows of what a front end can do.</summary>
public sealed class ShowpieceTests(EmulatorFixture emulator) : IClassFixture<EmulatorFixture>
{
    [Theory]
    [InlineData("Tell me a long story", "# The lighthouse that answered")]
    [InlineData("Show me a table", "| :-- | :-- | --: |")]
    [InlineData("Show me some code", "```ts")]
    [InlineData("Write a checklist", "- [x] Labels")]
    [InlineData("Show me all of Markdown", "# Text in full dress")]
    [InlineData("Show me hostile Markdown", "<script>alert(")]
    public async Task Text_of_each_kind_is_shown_on_request(string question, string text)
    {
        var talk = new Talk(emulator);
        await talk.SayAsync("Weather in Makati?");

        var (calls, answer) = await talk.SayAsync(question);

        calls.ShouldBeEmpty();
        answer.ShouldContain(text);
    }

    [Theory]
    [InlineData("Show me a table of the active clients", "get_active_clients_per_service")]
    [InlineData("Tell me the story of the weather in Cebu", "get_weather")]
    public async Task A_question_of_one_of_the_fields_is_none_of_these(string question, string function)
    {
        var (calls, _) = await new Talk(emulator).SayAsync(question);

        calls.ShouldHaveSingleItem().ShouldContain(function);
    }

    [Fact]
    public async Task Something_goes_wrong_where_that_is_asked_for()
    {
        var conversation = await emulator.NewConversationAsync();
        var response = await StreamedResponse.ReadAsync(emulator.Responses, Ask.Question(conversation, "Let something go wrong"));

        response.Updates[^1].ShouldBeOfType<StreamingResponseFailedUpdate>();
    }
}
