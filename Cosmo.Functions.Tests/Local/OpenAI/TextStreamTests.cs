using OpenAI.Responses;

namespace Cosmo.Functions.Tests.Local.OpenAI;

public sealed class TextStreamTests(EmulatorFixture emulator) : IClassFixture<EmulatorFixture>
{
    [Fact]
    public async Task A_text_answer_comes_in_the_documented_order_of_events()
    {
        var response = await StreamedResponse.ReadAsync(emulator.Responses, Ask.Question(null, "Who painted the Mona Lisa?"));

        var kinds = response.Updates.Select(update => update.Kind.ToString()).ToList();
        kinds.Where((kind, index) => index == 0 || kinds[index - 1] != kind).ShouldBe(
        [
            "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
            "response.output_text.delta", "response.output_text.done", "response.content_part.done", "response.output_item.done",
            "response.completed",
        ]);
        response.Updates.Select(update => update.SequenceNumber).ShouldBe(Enumerable.Range(0, response.Updates.Count));
    }

    [Fact]
    public async Task The_deltas_make_the_whole_text()
    {
        var response = await StreamedResponse.ReadAsync(emulator.Responses, Ask.Question(null, "Who painted the Mona Lisa?"));

        response.Text.ShouldContain("I am Cosmo's local emulator, not a model");
        response.Completed.GetOutputText().ShouldBe(response.Text);
        response.Updates.OfType<StreamingResponseOutputTextDeltaUpdate>().Count().ShouldBeGreaterThan(40);
        response.Completed.Usage.OutputTokenCount.ShouldBeGreaterThan(40);
    }

    [Fact]
    public async Task An_answer_that_is_not_streamed_has_the_same_text()
    {
        var streamed = await StreamedResponse.ReadAsync(emulator.Responses, Ask.Question(null, "Sing a song"));
        var whole = await emulator.Responses.CreateResponseAsync(Ask.Question(null, "Sing a song", streamed: false), TestContext.Current.CancellationToken);

        whole.Value.Status.ShouldBe(ResponseStatus.Completed);
        whole.Value.GetOutputText().ShouldBe(streamed.Text);
    }

    [Fact]
    public async Task The_stream_has_no_id_lines_which_would_make_the_client_repeat_the_request()
    {
        using var content = new StringContent("""{"model":"m","input":"hello","stream":true}""");
        using var answer = await emulator.Http.PostAsync("openai/v1/responses", content, TestContext.Current.CancellationToken);
        var lines = (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Split('\n');

        answer.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        lines.Where(line => line.Length > 0).ShouldAllBe(line => line.StartsWith("event: ", StringComparison.Ordinal) || line.StartsWith("data: ", StringComparison.Ordinal));
    }
}
