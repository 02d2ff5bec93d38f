using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Access;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Access;
using Cosmo.Functions.Tests.Delivery;
using Cosmo.Functions.Tests.Local.Terminal;
using Cosmo.Functions.Tests.Threads;
using Cosmo.Functions.Threads;
using Cosmo.Functions.Tools;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using NSubstitute.ExceptionExtensions;

namespace Cosmo.Functions.Tests.Answering.Activities;

public sealed class RunAssistantTests : IAsyncDisposable
{
    private static readonly MessageAddress Address = new("channel", "msg-1", 1);

    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly IAssistant _assistant = Substitute.For<IAssistant>();
    private readonly RecordingWebPubSub _webPubSub = new();
    private readonly StopSignals _stopSignals;
    private readonly UpdateLog _log;
    private readonly TurnQueue _turns;
    private readonly UsageLedger _ledger;
    private readonly UpdatePublisher _updates;
    private readonly AnswerCapacity _capacity = new(1);
    private readonly RunAssistant _activity;

    public RunAssistantTests()
    {
        var delivery = Options.Create(new DeliveryOptions());
        _log = new UpdateLog(_redis.Connection, delivery, _clock);
        _turns = new TurnQueue(_redis.Connection, _log, Options.Create(new AnsweringOptions()));
        _stopSignals = new StopSignals(_redis.Connection, NullLogger<StopSignals>.Instance);
        var updates = _updates = new UpdatePublisher(_log, _webPubSub.Unconnected(_clock), _webPubSub, _webPubSub.Listeners(_redis.Connection, _clock), delivery, _clock, NullLogger<UpdatePublisher>.Instance);
        var merged = new MergedEnds(_turns, updates, NullLogger<MergedEnds>.Instance);
        var history = new MessageHistory(_redis.Connection, Options.Create(new ThreadOptions()), _clock);
        _activity = new RunAssistant(
            new AnswerOpening(
                _turns, new ThreadRoom(_redis.Connection).Store, _assistant, updates, merged, new Replacement(_assistant, history, NullLogger<Replacement>.Instance),
                Options.Create(new AnsweringOptions()), _clock, NullLogger<AnswerOpening>.Instance),
            _assistant,
            new Toolbox([], Options.Create(new ToolOptions()), _clock, NullLogger<Toolbox>.Instance),
            updates,
            new MessageMemory(_redis.Connection, _clock, NullLogger<MessageMemory>.Instance),
            history,
            _ledger = new UsageLedger(_redis.Connection, AccessSetup.BackendNames, Options.Create(new LimitOptions()), _clock),
            _log,
            _turns,
            merged,
            _stopSignals,
            new TurnRelease(_turns, _clock, NullLogger<TurnRelease>.Instance),
            _capacity,
            delivery,
            _clock,
            NullLogger<RunAssistant>.Instance);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        _stopSignals.Dispose();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task What_is_more_than_there_is_room_for_is_refused_and_what_has_begun_goes_on()
    {
        Answer(new AssistantResponse("resp_1", "It is sunny.", []));
        using (_capacity.TryTake(isUnderWay: false))
        {
            (await RunAsync(round: 0)).Failure!.Cause.ShouldBe("over_capacity");
            (await RunAsync(round: 1)).Failure.ShouldBeNull();
        }

        _capacity.TryTake(isUnderWay: false).ShouldNotBeNull();
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(500_000_000, 250)]
    [InlineData(4_000_000_000, AnswerCapacity.Most)]
    public void Half_of_the_memory_is_for_answers(long memory, long answers) => AnswerCapacity.MostIn(memory).ShouldBe(answers);

    [Fact]
    public void The_host_lets_more_activities_run_than_there_are_answers()
    {
        var host = JsonNode.Parse(File.ReadAllText(Path.Combine(CosmoScript.Root, "host.json")))!;

        host["extensions"]!["durableTask"]!["maxConcurrentActivityFunctions"]!.GetValue<int>().ShouldBeGreaterThanOrEqualTo(AnswerCapacity.Most + 500);
    }

    [Fact]
    public async Task The_last_response_ends_the_answer_with_all_its_rounds_and_gives_the_turn_back()
    {
        var taken = await _turns.TakeAsync(Address, "Hello", [], "instance-1", 20, null, null, Cancellation);
        await _log.SettleAsync(Address, taken.Started!.Payload.Sequence!.Value);
        Answer(new AssistantResponse("resp_1", "Let me look.", [new ToolCall("call_1", "get_weather", "{}")]));
        (await RunAsync(round: 0)).ToolCalls.ShouldHaveSingleItem();
        _webPubSub.Sent.Select(update => update.Status).ShouldBe(["processing"]);

        Answer(new AssistantResponse("resp_2", "It is sunny.", []));
        (await RunAsync(round: 1)).ShouldSatisfyAllConditions(result => result.ToolCalls.ShouldBeEmpty(), result => result.Failure.ShouldBeNull());

        _webPubSub.Sent.Select(update => (update.Status, update.FinalMessage)).ShouldBe([("processing", false), ("completed", true)]);
        _webPubSub.Sent[^1].Message.ShouldBe("Let me look.\n\nIt is sunny.");
        (await _turns.TakeAsync(Address with { MessageId = "msg-2" }, "Hello", [], "instance-2", 20, null, null, Cancellation)).Place.ShouldBe(TurnPlace.Head);
    }

    [Fact]
    public async Task Messages_that_are_asked_together_have_each_its_end_once_also_when_the_end_was_broken_off()
    {
        MergedMessage[] merged = [Other("msg-2"), Other("msg-3")];
        foreach (var message in merged)
        {
            var taken = await _turns.TakeAsync(message.Address, message.Question, [1], message.Address.MessageId, 20, null, null, Cancellation);
            await (taken.Started is { } started ? _log.SettleAsync(message.Address, started.Payload.Sequence!.Value) : Task.CompletedTask);
        }

        Answer(new AssistantResponse("resp_1", "It is sunny.", []) { Usage = new TokenUsage(100, 0, 5, "gpt", 1), MessageIds = ["msg_a"] });

        // A try that died when it had told one of them.
        await _updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "It is sunny.") with { Usage = new TokenUsage(100, 0, 5, "gpt", 1) }, once: null, Cancellation);
        await _updates.PublishAsync(merged[0].Address, Updates.Completed(merged[0].Address, "conv_1", "It is sunny.") with { AnsweredBy = "msg-1" }, once: null, Cancellation);
        await RunAsync(round: 0, merged: merged);
        await RunAsync(round: 0, merged: merged);

        _webPubSub.Sent.Select(update => (update.MessageId, update.Status, update.Message, update.AnsweredBy, update.Usage is null)).ShouldBe([
            ("msg-1", "completed", "It is sunny.", null, false), ("msg-2", "completed", "It is sunny.", "msg-1", true), ("msg-3", "completed", "It is sunny.", "msg-1", true)]);
        (await new MessageMemory(_redis.Connection, _clock, NullLogger<MessageMemory>.Instance).FindBodyAsync(merged[1].Address, Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task Messages_that_are_asked_together_are_asked_in_order_and_counted_each_while_tokens_are_counted_once()
    {
        Answer(new AssistantResponse("resp_1", "It is sunny.", []) { Usage = new TokenUsage(100, 0, 5, "gpt", 1), MessageIds = ["msg_a"] });

        await RunAsync(round: 0, merged: [Other("msg-2"), Other("msg-3")]);

        await _assistant.Received(1).RespondAsync(
            Arg.Is<AssistantRequest>(request => request.Questions.SequenceEqual(new[] { "Hi", "Question of msg-2", "Question of msg-3" })), Arg.Any<IAssistantObserver>(), Arg.Any<CancellationToken>());
        var today = DateOnly.FromDateTime(_clock.GetUtcNow().UtcDateTime);
        (await _ledger.ReadAsync(today, today, UsageDimension.Model, 10, Cancellation)).ShouldBe([new("gpt", 3, 100, 0, 5)]);
        var history = new MessageHistory(_redis.Connection, Options.Create(new ThreadOptions()), _clock);
        (await history.FindAsync("channel", ["msg_a"], Cancellation))["msg_a"].Questions.Select(question => question.MessageId).ShouldBe(["msg-1", "msg-2", "msg-3"]);
        (await history.KnowsAsync("channel", "msg-3", Cancellation)).ShouldBeTrue();
    }

    [Fact]
    public async Task What_the_rounds_used_is_summed_on_the_final_update_and_counted_once_each()
    {
        Answer(new AssistantResponse("resp_1", "", [new ToolCall("call_1", "get_weather", "{}")]) { Usage = new TokenUsage(100, 0, 5, "gpt", 1) });
        await RunAsync(round: 0);
        await RunAsync(round: 0);
        Answer(new AssistantResponse("resp_2", "It is sunny.", []) { Usage = new TokenUsage(120, 100, 20, "gpt", 1) });
        await RunAsync(round: 1);
        await RunAsync(round: 1);

        _webPubSub.Sent[^1].Usage.ShouldBe(new TokenUsage(220, 100, 25, "gpt", 2));
        var today = DateOnly.FromDateTime(_clock.GetUtcNow().UtcDateTime);
        (await _ledger.ReadAsync(today, today, UsageDimension.Model, 10, Cancellation)).ShouldBe([new("gpt", 1, 220, 100, 25)]);
    }

    [Fact]
    public async Task A_response_without_text_is_a_failure_and_ends_nothing()
    {
        Answer(new AssistantResponse("resp_1", "", []));

        (await RunAsync(round: 0)).Failure!.Cause.ShouldBe("incomplete");
        _webPubSub.Sent.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("max_output_tokens", "incomplete")]
    [InlineData("content_filter", "content_filter")]
    public async Task An_answer_that_was_cut_is_told_with_the_text_that_its_user_saw(string incomplete, string cause)
    {
        Answer(new AssistantResponse("resp_1", "", [], incomplete));
        (await RunAsync(round: 0)).Failure!.Cause.ShouldBe(cause);

        Answer(new AssistantResponse("resp_1", "Let me look.", [new ToolCall("call_1", "get_weather", "{}")]));
        await RunAsync(round: 0);
        Answer(new AssistantResponse("resp_2", "", [], incomplete));
        (await RunAsync(round: 1)).Failure.ShouldBeNull();

        (_webPubSub.Sent[^1].Status, _webPubSub.Sent[^1].Message, _webPubSub.Sent[^1].Incomplete).ShouldBe(("completed", "Let me look.", incomplete));
        JsonSerializer.SerializeToNode(_webPubSub.Sent[^1], CosmoJson.Options)!["incomplete"]!.GetValue<string>().ShouldBe(incomplete);
    }

    [Fact]
    public async Task That_the_service_is_asked_again_is_told_once_a_round()
    {
        _assistant.RespondAsync(Arg.Any<AssistantRequest>(), Arg.Any<IAssistantObserver>(), Arg.Any<CancellationToken>()).Returns(async call =>
        {
            await call.Arg<IAssistantObserver>().RetryingAsync();
            await call.Arg<IAssistantObserver>().RetryingAsync();
            return new AssistantResponse("resp_1", "Hello", []);
        });

        await RunAsync(round: 0);

        _webPubSub.Sent.Select(update => (update.Type, update.Status, update.Message, update.FinalMessage)).ShouldBe(
            [("status", "retrying", "Still trying to reach the assistant...", false), ("response", "completed", "Hello", true)]);
    }

    [Fact]
    public async Task What_is_for_operators_alone_is_not_for_clients()
    {
        _assistant.RespondAsync(Arg.Any<AssistantRequest>(), Arg.Any<IAssistantObserver>(), Arg.Any<CancellationToken>())
            .ThrowsAsync(new AssistantException(AssistantFailure.RateLimit, "No quota left.") { Told = "Not now." });

        (await RunAsync(round: 0)).Failure!.ShouldSatisfyAllConditions(
            failure => failure.Details.ShouldBe("Not now."), failure => failure.Reason.ShouldBe("No quota left."));
    }

    [Fact]
    public async Task What_the_service_fails_with_is_a_result_and_no_exception()
    {
        _assistant.RespondAsync(Arg.Any<AssistantRequest>(), Arg.Any<IAssistantObserver>(), Arg.Any<CancellationToken>())
            .ThrowsAsync(new AssistantException(AssistantFailure.ThreadGone, "404"));

        (await RunAsync(round: 0)).Failure!.Cause.ShouldBe("thread_gone");
        _webPubSub.Sent.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(1, "completed")]
    [InlineData(2, "thread_gone")]
    public async Task A_thread_that_is_gone_is_replaced_once_and_the_question_asked_again(int gone, string end)
    {
        var asked = new List<AssistantRequest>();
        _assistant.CreateThreadAsync(Arg.Any<Func<Task>?>(), Arg.Any<CancellationToken>()).Returns(_ => $"conv_{asked.Count}");
        _assistant.RespondAsync(Arg.Do<AssistantRequest>(asked.Add), Arg.Any<IAssistantObserver>(), Arg.Any<CancellationToken>()).Returns(
            _ => asked.Count <= gone ? throw new AssistantException(AssistantFailure.ThreadGone, "404") : new AssistantResponse("resp_1", "Hello", []));

        var result = await RunAsync(round: 0, threadId: null);

        asked.Select(request => (request.ThreadId, request.Question)).ShouldBe([("conv_0", "Hi"), ("conv_1", "Hi")]);
        (result.Failure?.Cause ?? _webPubSub.Sent.Single().Status, result.ThreadId).ShouldBe((end, gone == 1 ? "conv_1" : null));
    }

    [Fact]
    public async Task At_its_own_deadline_it_stops()
    {
        var begun = new TaskCompletionSource();
        _assistant.RespondAsync(Arg.Any<AssistantRequest>(), Arg.Any<IAssistantObserver>(), Arg.Any<CancellationToken>()).Returns(async call =>
        {
            begun.SetResult();
            await Task.Delay(Timeout.Infinite, call.Arg<CancellationToken>());
            return new AssistantResponse("resp_1", "late", []);
        });
        var running = RunAsync(round: 0);

        await begun.Task;
        _clock.Advance(TimeSpan.FromSeconds(90));

        (await running).Failure.ShouldBe(Failure.Stopped);
        _webPubSub.Sent.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_wish_to_cancel_that_comes_with_the_last_word_still_counts()
    {
        _assistant.RespondAsync(Arg.Any<AssistantRequest>(), Arg.Any<IAssistantObserver>(), Arg.Any<CancellationToken>()).Returns(async call =>
        {
            await _stopSignals.CancelAsync("channel", "instance-1", Cancellation);
            var stopped = new TaskCompletionSource();
            call.Arg<CancellationToken>().Register(stopped.SetResult);
            await stopped.Task;
            return new AssistantResponse("resp_1", "Hello", []);
        });

        (await RunAsync(round: 0)).Failure.ShouldBe(Failure.Cancelled);
        _webPubSub.Sent.ShouldBeEmpty();
    }

    private void Answer(AssistantResponse response) =>
        _assistant.RespondAsync(Arg.Any<AssistantRequest>(), Arg.Any<IAssistantObserver>(), Arg.Any<CancellationToken>()).Returns(response);

    private MergedMessage Other(string messageId) => new(Address with { MessageId = messageId }, $"Question of {messageId}", DeliveryProperties.None, _clock.GetUtcNow());

    private Task<RunResult> RunAsync(int round, string? threadId = "conv_1", IReadOnlyList<MergedMessage>? merged = null) => _activity.RunAsync(
        new RunInput(
            Address, "instance-1", "run-1", HasStarted: true, threadId, round == 0 ? "Hi" : null, [], Caller.Anonymous, round, _clock.GetUtcNow() + TimeSpan.FromSeconds(45),
            _clock.GetUtcNow() + TimeSpan.FromSeconds(90), _clock.GetUtcNow())
        {
            Merges = merged is not null,
            Merged = merged,
        },
        Substitute.For<DurableTaskClient>("test"),
        Substitute.For<FunctionContext>());
}
