using System.ClientModel;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using OpenAI.Responses;

namespace Cosmo.Functions.Tests.Local.OpenAI;

public sealed class ResponseTests(EmulatorFixture emulator) : IClassFixture<EmulatorFixture>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_response_is_read_again_until_it_is_deleted()
    {
        var made = (await StreamedResponse.ReadAsync(emulator.Responses, Ask.Question(null, "Hello"))).Completed;

        var read = (await emulator.Responses.GetResponseAsync(made.Id, Cancel)).Value;
        read.Status.ShouldBe(ResponseStatus.Completed);
        read.GetOutputText().ShouldBe(made.GetOutputText());
        (await emulator.Responses.DeleteResponseAsync(made.Id, Cancel)).Value.Deleted.ShouldBeTrue();

        var gone = await Should.ThrowAsync<ClientResultException>(() => emulator.Responses.GetResponseAsync(made.Id, Cancel));
        gone.Status.ShouldBe(404);
        gone.Message.ShouldContain($"Response with id '{made.Id}' not found.");
    }

    [Fact]
    public async Task Input_items_can_be_listed()
    {
        var made = (await StreamedResponse.ReadAsync(emulator.Responses, Ask.Question(null, "Hello"))).Completed;

        var items = await emulator.Http.GetFromJsonAsync<JsonObject>($"v1/responses/{made.Id}/input_items", Cancel);

        items!["data"]![0]!["content"]![0]!["text"]!.ToString().ShouldBe("Hello");
    }

    [Fact]
    public async Task The_response_before_can_take_the_place_of_a_conversation()
    {
        var asked = await StreamedResponse.ReadAsync(emulator.Responses, Ask.Question(null, "Weather in Makati?"));
        var outputs = Ask.Outputs(null, (asked.Calls[0].CallId, "There is no such city"));
        outputs.PreviousResponseId = asked.Completed.Id;

        (await StreamedResponse.ReadAsync(emulator.Responses, outputs)).Text.ShouldContain("There is no such city");
    }

    [Fact]
    public async Task An_unknown_response_before_is_refused()
    {
        var question = Ask.Question(null, "Hello");
        question.PreviousResponseId = "resp_unknown";

        var refused = await Should.ThrowAsync<ClientResultException>(() => emulator.Responses.CreateResponseStreamingAsync(question, Cancel));

        refused.Status.ShouldBe(400);
        refused.Message.ShouldContain("previous_response_not_found");
    }

    [Fact]
    public async Task Too_few_tokens_leave_the_response_incomplete()
    {
        var question = Ask.Question(null, "Hello");
        question.MaxOutputTokenCount = 16;

        var response = await StreamedResponse.ReadAsync(emulator.Responses, question);

        var last = response.Updates[^1].ShouldBeOfType<StreamingResponseIncompleteUpdate>().Response;
        last.IncompleteStatusDetails.Reason.ToString().ShouldBe("max_output_tokens");
        response.Updates.OfType<StreamingResponseOutputTextDeltaUpdate>().Count().ShouldBe(16);
    }

    [Fact]
    public async Task A_foreground_response_cannot_be_cancelled()
    {
        var made = (await StreamedResponse.ReadAsync(emulator.Responses, Ask.Question(null, "Hello"))).Completed;

        (await Should.ThrowAsync<ClientResultException>(() => emulator.Responses.CancelResponseAsync(made.Id, Cancel))).Status.ShouldBe(400);
    }

    [Fact]
    public async Task A_background_stream_is_taken_up_again_where_it_was_left()
    {
        var question = Ask.Question(null, "Hello");
        question.BackgroundModeEnabled = true;
        var whole = await StreamedResponse.ReadAsync(emulator.Responses, question);

        var rest = new List<StreamingResponseUpdate>();
        await using var stream = await emulator.Responses.GetResponseStreamingAsync(new GetResponseOptions(whole.Completed.Id) { StreamingEnabled = true, StartingAfter = 4 }, Cancel);
        await foreach (var update in stream)
        {
            rest.Add(update);
        }

        rest.Select(update => update.SequenceNumber).ShouldBe(whole.Updates.Select(update => update.SequenceNumber).Skip(5));
    }

    [Fact]
    public async Task A_background_response_ends_when_it_is_cancelled()
    {
        await emulator.SetAsync("faults", """[{"userText":"for ever","stallAfterTokens":2}]""");
        var question = Ask.Question(null, "Run for ever", streamed: false);
        question.BackgroundModeEnabled = true;
        var begun = (await emulator.Responses.CreateResponseAsync(question, Cancel)).Value;

        var cancelled = (await emulator.Responses.CancelResponseAsync(begun.Id, Cancel)).Value;

        cancelled.Status.ShouldBe(ResponseStatus.Cancelled);
        (await emulator.Responses.GetResponseAsync(begun.Id, Cancel)).Value.Status.ShouldBe(ResponseStatus.Cancelled);
    }
}
