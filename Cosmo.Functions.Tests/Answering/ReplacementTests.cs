using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Assistants.Responses;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Assistants;
using Cosmo.Functions.Threads;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;

namespace Cosmo.Functions.Tests.Answering;

/// <summary>What a message takes the place of goes out of the conversation, with all that came after it.</summary>
public sealed class ReplacementTests : IAsyncLifetime
{
    private readonly TestRedis _redis = new();
    private readonly MessageHistory _history;
    private EmulatedOpenAI _openAI = null!;
    private AssistantSetup _setup = null!;
    private Replacement _replacement = null!;
    private string _thread = null!;

    public ReplacementTests() => _history = new MessageHistory(_redis.Connection, Options.Create(new ThreadOptions()), TimeProvider.System);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _openAI = await EmulatedOpenAI.StartAsync();
        _setup = new AssistantSetup(_openAI.Url);
        _replacement = new Replacement(_setup.Assistant, _history, NullLogger<Replacement>.Instance);
        _thread = await _setup.Assistant.CreateThreadAsync(null, Cancellation);
        foreach (var number in (int[])[1, 2, 3])
        {
            await AskAsync($"m{number}", $"Hello {number}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _setup.DisposeAsync();
        await _openAI.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Theory]
    [InlineData("m3", "Hello 1,Hello 2")]
    [InlineData("m2", "Hello 1")]
    [InlineData("m1", "")]
    [InlineData("never-asked", "Hello 1,Hello 2,Hello 3")]
    public async Task A_message_goes_with_what_came_after_it_and_a_second_time_nothing(string messageId, string left)
    {
        await TakeOutAsync(messageId);
        await TakeOutAsync(messageId);

        string.Join(',', await QuestionsAsync()).ShouldBe(left);
        (await _history.KnowsAsync("channel", messageId, Cancellation)).ShouldBeFalse();
        (await _history.HasHadAsync("channel", messageId, Cancellation)).ShouldBeTrue();
        (await _history.KnowsAsync("channel", "m3", Cancellation)).ShouldBe(messageId == "never-asked");
        (await _openAI.ItemsAsync(_thread)).Count.ShouldBe(left.Length == 0 ? 0 : 2 * left.Split(',').Length);

        // What is asked then is not taken out by a later replay of the same.
        await AskAsync("m4", "Hello 4");
        await TakeOutAsync(messageId);
        (await QuestionsAsync())[^1].ShouldBe("Hello 4");
    }

    [Fact]
    public async Task Calls_and_outputs_go_too_also_those_of_a_message_that_failed_behind_them()
    {
        var asked = await _setup.AskAsync(_thread, "Weather in Makati?");
        await _setup.Assistant.AnswerOutstandingCallsAsync(_thread, "failed", Cancellation);
        await _history.RecordAsync(new("channel", "m4", 1), asked.ToolCalls.Select(call => call.CallId), "error", DateTimeOffset.UtcNow, [], Cancellation);
        await AskAsync("m5", "Hello 5");

        await TakeOutAsync("m4");

        (await QuestionsAsync()).ShouldBe(["Hello 1", "Hello 2", "Hello 3"]);
        (await _openAI.ItemsAsync(_thread)).Count.ShouldBe(6);
    }

    [Theory]
    [InlineData("m4", "Hello 1,Hello 2,Hello 3")]
    [InlineData("m5", "Hello 1,Hello 2,Hello 3,A")]
    [InlineData("m6", "Hello 1,Hello 2,Hello 3,A,B")]
    public async Task Of_messages_that_were_asked_together_those_before_stay_and_their_answer_goes(string messageId, string left)
    {
        var response = await _setup.Assistant.RespondAsync(_setup.Question(_thread, "A") with { MoreQuestions = ["B", "C"] }, new Heard(), Cancellation);
        await _history.RecordAsync(
            new("channel", "m4", 1), response.MessageIds, "completed", DateTimeOffset.UtcNow, [Other("m5", "B"), Other("m6", "C")], Cancellation);

        await TakeOutAsync(messageId);

        string.Join(',', await QuestionsAsync()).ShouldBe(left);
        (await SaidAsync()).Count(said => said.Role == "assistant").ShouldBe(3);
    }

    [Theory]
    [InlineData("m2", 2)]
    [InlineData("m1", 0)]
    public async Task What_is_left_of_an_answer_whose_question_is_gone_goes_and_no_answer_before_it(string messageId, int left)
    {
        var question = (await _openAI.ItemsAsync(_thread)).Single(item => item!["content"]![0]!["text"]!.GetValue<string>() == $"Hello {messageId[1]}" && item["role"]!.GetValue<string>() == "user");
        await _setup.Assistant.DeleteItemsAsync(_thread, [question!["id"]!.GetValue<string>()], Cancellation);

        await TakeOutAsync(messageId);

        (await _openAI.ItemsAsync(_thread)).Count.ShouldBe(left);
    }

    [Fact]
    public async Task An_answer_with_a_tool_goes_whole()
    {
        var asked = await _setup.AskAsync(_thread, "Weather in Makati?");
        var outputs = asked.ToolCalls.Select(call => new ToolOutput(call.CallId, "sunny")).ToList();
        var answered = await _setup.Assistant.RespondAsync(_setup.Question(_thread, "") with { Question = null, ToolOutputs = outputs }, new Heard(), Cancellation);
        await _history.RecordAsync(new("channel", "m4", 1), [.. answered.MessageIds, .. asked.ToolCalls.Select(call => call.CallId)], "completed", DateTimeOffset.UtcNow, [], Cancellation);

        await TakeOutAsync("m4");

        (await _openAI.ItemsAsync(_thread)).Count.ShouldBe(6);
    }

    [Fact]
    public async Task Of_messages_that_were_asked_together_and_whose_first_question_is_gone_an_unknown_answer_before_them_stays()
    {
        await _setup.AskAsync(_thread, "Unknown");
        var response = await _setup.Assistant.RespondAsync(_setup.Question(_thread, "A") with { MoreQuestions = ["B"] }, new Heard(), Cancellation);
        await _history.RecordAsync(new("channel", "m4", 1), response.MessageIds, "completed", DateTimeOffset.UtcNow, [Other("m5", "B")], Cancellation);
        var first = (await _openAI.ItemsAsync(_thread)).Single(item => item!["content"]![0]!["text"]!.GetValue<string>() == "A");
        await _setup.Assistant.DeleteItemsAsync(_thread, [first!["id"]!.GetValue<string>()], Cancellation);

        await TakeOutAsync("m4");

        (await QuestionsAsync()).ShouldBe(["Hello 1", "Hello 2", "Hello 3", "Unknown"]);
        (await _openAI.ItemsAsync(_thread)).Count.ShouldBe(8);
    }

    [Fact]
    public async Task A_message_is_found_behind_more_than_one_page_of_the_service()
    {
        for (var number = 4; number <= 60; number++)
        {
            await AskAsync($"m{number}", $"Hello {number}");
        }

        await TakeOutAsync("m2");

        (await QuestionsAsync()).ShouldBe(["Hello 1"]);
    }

    [Fact]
    public async Task A_service_that_fails_on_the_way_leaves_what_another_try_takes_out()
    {
        // Eight items are deleted side by side; by the oldest, which go last, another try finds what is left.
        await AskAsync("m4", "Hello 4");
        await AskAsync("m5", "Hello 5");
        await _openAI.FaultAsync("""[{ "endpoint": "conversations", "skip": 9, "times": 100, "status": 503 }]""");
        await Should.ThrowAsync<AssistantException>(() => TakeOutAsync("m1"));
        await _openAI.FaultAsync("[]");
        (await QuestionsAsync()).ShouldBe(["Hello 1"]);

        await TakeOutAsync("m1");

        (await _openAI.ItemsAsync(_thread)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_call_that_never_had_an_output_is_known_by_what_would_join_them()
    {
        await _history.RecordAsync(new("channel", "m4", 1), ["call_4"], "error", DateTimeOffset.UtcNow, [], Cancellation);
        var assistant = Reading(hasMore: false, new(ConversationItem.FunctionCall, "fc_4", "call_4", "get_weather", "{}"), new(ConversationItem.Message, "msg_4", null, null, "Hello 4") { Role = "user" });

        await TakeOutAsync("m4", assistant);

        await assistant.Received(1).DeleteItemsAsync("conv_1", Arg.Is<IReadOnlyList<string>>(ids => ids.SequenceEqual(new[] { "fc_4", "msg_4" })), Cancellation);
        await assistant.ReceivedWithAnyArgs(1).ReadAsync(default!, default, default);
    }

    [Theory]
    [InlineData(true, 50)]
    [InlineData(false, 1)]
    public async Task A_conversation_is_searched_to_its_end_and_for_fifty_pages_at_most_and_nothing_of_it_goes(bool hasMore, int pages)
    {
        var assistant = Reading(hasMore, new ConversationItem(ConversationItem.Message, "msg_x", null, null, "Hello") { Role = "user" });

        await TakeOutAsync("never-asked", assistant);

        await assistant.ReceivedWithAnyArgs(pages).ReadAsync(default!, default, default);
        await assistant.DidNotReceiveWithAnyArgs().DeleteItemsAsync(default!, default!, default);
    }

    /// <summary>A service that has this page, again and again.</summary>
    private static IAssistant Reading(bool hasMore, params ConversationItem[] items)
    {
        var assistant = Substitute.For<IAssistant>();
        assistant.ReadAsync(default!, default, default).ReturnsForAnyArgs(new ThreadPage(items, hasMore));
        return assistant;
    }

    private Task TakeOutAsync(string messageId, IAssistant assistant) =>
        new Replacement(assistant, _history, NullLogger<Replacement>.Instance).TakeOutAsync("channel", "conv_1", messageId, Cancellation);

    private static MergedMessage Other(string messageId, string question) => new(new("channel", messageId, 1), question, DeliveryProperties.None, DateTimeOffset.UtcNow);

    private Task TakeOutAsync(string messageId) => _replacement.TakeOutAsync("channel", _thread, messageId, Cancellation);

    private async Task AskAsync(string messageId, string question)
    {
        var response = await _setup.AskAsync(_thread, question);
        await _history.RecordAsync(new("channel", messageId, 1), response.MessageIds, "completed", DateTimeOffset.UtcNow, [], Cancellation);
    }

    private async Task<IReadOnlyList<string>> QuestionsAsync() => [.. (await SaidAsync()).Where(said => said.Role == "user").Select(said => said.Text)];

    private async Task<IReadOnlyList<(string Role, string Text)>> SaidAsync() =>
    [
        .. (await _openAI.ItemsAsync(_thread)).Where(item => item!["type"]!.GetValue<string>() == "message")
            .Select(item => (item!["role"]!.GetValue<string>(), item["content"]![0]!["text"]!.GetValue<string>())),
    ];
}
