using System.Text.Json.Nodes;
using OpenAI.Responses;

namespace Cosmo.Functions.Tests.Local.OpenAI;

public sealed class RequestLogTests : IAsyncLifetime
{
    private readonly EmulatorFixture _emulator = new();

    public ValueTask InitializeAsync() => _emulator.InitializeAsync();

    public ValueTask DisposeAsync() => _emulator.DisposeAsync();

    [Fact]
    public async Task A_request_shows_what_was_asked_and_what_became_of_it()
    {
        var conversation = await _emulator.NewConversationAsync();
        var asked = await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Question(conversation, "Weather in Makati?"));
        await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Outputs(conversation, (asked.Calls[0].CallId, "{}")));

        var requests = (await EndedAsync(conversation, 2))["requests"]!.AsArray();

        requests[0]!["path"]!.ToString().ShouldBe("/v1/responses");
        requests[0]!["userText"]!.ToString().ShouldBe("Weather in Makati?");
        requests[0]!["response"]!.ToString().ShouldBe(asked.Completed.Id);
        requests[0]!["outcome"]!.ToString().ShouldBe("completed");
        requests[0]!["tools"]!.AsArray().Count.ShouldBe(5);
        requests[1]!["toolOutputs"]![0]!.ToString().ShouldBe(asked.Calls[0].CallId);
    }

    [Theory]
    [InlineData("""[{"stallAfterTokens":3}]""", 7)]
    [InlineData("""[{"delayBeforeHeaders":60000}]""", 0)]
    [InlineData("""[{"pace":50,"longAnswer":1000}]""", 10)]
    public async Task A_client_that_goes_away_is_seen_and_nothing_is_added(string faults, int afterUpdates)
    {
        await _emulator.SetAsync("faults", faults);
        var conversation = await _emulator.NewConversationAsync();
        using var leaving = new CancellationTokenSource();
        var updates = 0;
        var reading = ReadAsync(conversation, () => updates++, leaving.Token);
        await UntilAsync(async () => updates >= afterUpdates && (await _emulator.RequestsAsync(conversation))["requests"]!.AsArray().Count == 1);
        await leaving.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => reading);
        var log = await EndedAsync(conversation, 1);

        log["aborted"]!.GetValue<int>().ShouldBe(1);
        log["requests"]![0]!["aborted"]!.GetValue<bool>().ShouldBeTrue();
        (await _emulator.ItemsAsync(conversation)).ShouldBeEmpty();
        using var cleared = await _emulator.Http.DeleteAsync("emulator/faults", TestContext.Current.CancellationToken);
        (await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Question(conversation, "Hello"))).Completed.ShouldNotBeNull();
    }

    [Fact]
    public async Task The_response_of_a_client_that_went_away_is_cancelled()
    {
        await _emulator.SetAsync("faults", """[{"stallAfterTokens":3}]""");
        var conversation = await _emulator.NewConversationAsync();
        await using (var stream = await _emulator.Responses.CreateResponseStreamingAsync(Ask.Question(conversation, "Hello"), TestContext.Current.CancellationToken))
        {
            await foreach (var _ in stream)
            {
                break;
            }
        }

        var request = (await EndedAsync(conversation, 1))["requests"]![0]!;
        request["outcome"]!.ToString().ShouldBe("cancelled");
        (await _emulator.Responses.GetResponseAsync(request["response"]!.ToString(), TestContext.Current.CancellationToken)).Value.Status.ShouldBe(ResponseStatus.Cancelled);
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        while (!await condition())
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    private async Task ReadAsync(string conversation, Action updated, CancellationToken leaving)
    {
        await using var stream = await _emulator.Responses.CreateResponseStreamingAsync(Ask.Question(conversation, "Hello"), leaving);
        await foreach (var _ in stream.WithCancellation(leaving))
        {
            updated();
        }
    }

    private async Task<JsonObject> EndedAsync(string conversation, int count)
    {
        JsonObject log = [];
        await UntilAsync(async () =>
        {
            log = await _emulator.RequestsAsync(conversation);
            return log["requests"]!.AsArray().Count(request => request!["endedAt"] is not null) == count;
        });
        return log;
    }
}
