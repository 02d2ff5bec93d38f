namespace Cosmo.Functions.Tests.Assistants;

/// <summary>What a user saw of an answer that broke off stands in the conversation, once.</summary>
public sealed class ShownTextTests : IAsyncLifetime
{
    private EmulatedOpenAI _openAI = null!;
    private AssistantSetup _setup = null!;
    private string _thread = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _openAI = await EmulatedOpenAI.StartAsync();
        _setup = new AssistantSetup(_openAI.Url);
        _thread = await _setup.Assistant.CreateThreadAsync(retrying: null, Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _setup.DisposeAsync();
        await _openAI.DisposeAsync();
    }

    [Fact]
    public async Task It_is_added_with_its_question_and_once()
    {
        var first = await KeepAsync("Weather?", "It is");
        var second = await KeepAsync("Weather?", "It is");

        second.ShouldBe(first.ShouldNotBeNull());
        (await SaidAsync()).ShouldBe(["user: Weather?", "assistant: It is"]);
    }

    [Fact]
    public async Task The_same_words_of_another_message_are_added_beside()
    {
        var first = await KeepAsync("Weather?", "It is");
        var second = await KeepAsync("Weather?", "It is", others: first!);

        second.ShouldNotBe(first);
        (await SaidAsync()).ShouldBe(["user: Weather?", "assistant: It is", "user: Weather?", "assistant: It is"]);
    }

    [Fact]
    public async Task More_than_was_seen_gives_way_to_what_was()
    {
        await _openAI.ScriptAsync("""[{ "text": "It is sunny in Makati." }]""");
        await _setup.AskAsync(_thread, "Weather?");

        (await KeepAsync("Weather?", "It is")).ShouldNotBeNull();

        (await SaidAsync()).ShouldBe(["user: Weather?", "assistant: It is"]);
    }

    [Fact]
    public async Task Behind_a_tools_output_it_stands_without_another_question()
    {
        await _openAI.ScriptAsync("""[{ "calls": [{ "name": "get_weather", "arguments": { "city": "Makati" } }] }]""");
        await _setup.AskAsync(_thread, "Weather?");
        await _setup.Assistant.AnswerOutstandingCallsAsync(_thread, "sunny", Cancellation);

        var first = await KeepAsync(null, "It is");
        var second = await KeepAsync(null, "It is");

        second.ShouldBe(first.ShouldNotBeNull());
        (await SaidAsync()).ShouldBe(["user: Weather?", "assistant: It is"]);
    }

    [Fact]
    public async Task A_failure_on_the_way_adds_nothing_twice()
    {
        await _openAI.FaultAsync("""[{ "endpoint": "conversations", "skip": 1, "times": 1, "status": 503 }]""");

        (await KeepAsync("Weather?", "It is")).ShouldNotBeNull();

        (await SaidAsync()).ShouldBe(["user: Weather?", "assistant: It is"]);
    }

    private Task<string?> KeepAsync(string? question, string text, params string[] others) =>
        _setup.Assistant.KeepShownAsync(_thread, question is null ? [] : [question], text, id => Task.FromResult(others.Contains(id)), Cancellation);

    private async Task<IEnumerable<string>> SaidAsync() => (await _openAI.ItemsAsync(_thread))
        .Where(item => item!["type"]!.GetValue<string>() == "message")
        .Select(item => $"{item!["role"]}: {item["content"]![0]!["text"]}");
}
