using OpenAI.Responses;

namespace Cosmo.Functions.Tests.Local.OpenAI;

public sealed class ScriptTests : IAsyncLifetime
{
    private readonly EmulatorFixture _emulator = new();

    public ValueTask InitializeAsync() => _emulator.InitializeAsync();

    public ValueTask DisposeAsync() => _emulator.DisposeAsync();

    [Fact]
    public async Task A_scripted_text_is_streamed_in_the_pieces_given_and_then_the_rules_are_back()
    {
        await _emulator.SetAsync("script", """[{"userText":"count","text":["one ","two ","three"]}]""");

        var scripted = await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Question(null, "Please count"));
        var after = await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Question(null, "Please count"));

        scripted.Updates.OfType<StreamingResponseOutputTextDeltaUpdate>().Select(update => update.Delta).ShouldBe(["one ", "two ", "three"]);
        after.Text.ShouldContain("not a model");
    }

    [Fact]
    public async Task Scripted_calls_and_texts_follow_each_other()
    {
        await _emulator.SetAsync("script", """
            [{"text":"Let me look.","calls":[{"name":"get_user_role","arguments":{"email":"a@b.co"}},{"name":"raw","arguments":"{not json"}]},
             {"text":"Done."}]
            """);
        var conversation = await _emulator.NewConversationAsync();

        var first = await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Question(conversation, "Anything"));
        var second = await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Outputs(conversation, (first.Calls[0].CallId, "{}"), (first.Calls[1].CallId, "{}")));

        first.Text.ShouldBe("Let me look.");
        first.CallTexts.ShouldBe(["""get_user_role {"email":"a@b.co"}""", "raw {not json"]);
        second.Text.ShouldBe("Done.");
    }
}
