using System.Diagnostics;
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
using Cosmo.Functions.Hosting.Observability;
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
using StackExchange.Redis;

namespace Cosmo.Functions.Tests.Answering.Activities;

public sealed class RunAssistantTests : IAsyncDisposable
{
    private static readonly MessageAddress Address = new("channel", "msg-1", 1);

    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly IAssistant _assistant = Substitute.For<IAssistant>();
    private readonly DurableTaskClient _client = Substitute.For<DurableTaskClient>("test");
    private readonly FunctionContext _context = Substitute.For<FunctionContext>();
    private readonly RecordingWebPubSub _webPubSub = new();
    private readonly StopSignals _stopSignals;
    private readonly UpdateLog _log;
    private readonly TurnQueue _turns;
    private readonly UsageLedger _ledger;
    private readonly UpdatePublisher _updates;
    private readonly MessageMemory _memory;
    private readonly MessageHistory _history;
    private readonly AnswerCapacity _capacity = new(1);

    public RunAssistantTests()
    {
        _log = new UpdateLog(_redis.Connection, Delivery, _clock);
        _turns = Turns(_redis.Connection);
        _stopSignals = new StopSignals(_redis.Connection, NullLogger<StopSignals>.Instance);
        _updates = _webPubSub.Publisher(_log, _redis.Connection, _clock);
        _memory = new MessageMemory(_redis.Connection, _clock, NullLogger<MessageMemory>.Instance);
        _history = History(_redis.Connection);
        _ledger = Ledger(_redis.Connection);
    }

    private static IOptions<DeliveryOptions> Delivery { get; } = Options.Create(new DeliveryOptions());

    private TurnQueue Turns(RedisConnection redis, string whenBusy = AnsweringOptions.Enqueue) => new(redis, _log, Options.Create(new AnsweringOptions { WhenBusy = whenBusy }));

    private UsageLedger Ledger(RedisConnection redis) => new(redis, AccessSetup.BackendNames, Options.Create(new LimitOptions()), _clock);

    private MessageHistory History(RedisConnection redis) => new(redis, Options.Create(new ThreadOptions()), _clock);

    /// <summary>The activity, some of whose parts have another Redis or another clock.</summary>
    private RunAssistant Make(
        TurnQueue? turns = null, RedisConnection? threads = null, UsageLedger? ledger = null, MessageHistory? history = null, TimeProvider? time = null, IUpdatePublisher? updates = null)
    {
        var (queue, clock) = (turns ?? _turns, time ?? _clock);
        var merged = new MergedEnds(queue, _updates, NullLogger<MergedEnds>.Instance);
        return new RunAssistant(
            new AnswerOpening(
                queue, new ThreadRoom(threads ?? _redis.Connection).Store, _assistant, _updates, merged, new Replacement(_assistant, _history, NullLogger<Replacement>.Instance),
                Options.Create(new AnsweringOptions()), clock, NullLogger<AnswerOpening>.Instance),
            _assistant,
            new Toolbox([], Options.Create(new ToolOptions()), _clock, NullLogger<Toolbox>.Instance),
            updates ?? _updates,
            _memory,
            history ?? _history,
            ledger ?? _ledger,
            _log,
            queue,
            merged,
            _stopSignals,
            new TurnRelease(queue, _clock, NullLogger<TurnRelease>.Instance),
            _capacity,
            Delivery,
            clock,
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
        (await _memory.FindBodyAsync(merged[1].Address, Cancellation)).ShouldBeNull();
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
        (await _history.FindAsync("channel", ["msg_a"], Cancellation))["msg_a"].Questions.Select(question => question.MessageId).ShouldBe(["msg-1", "msg-2", "msg-3"]);
        (await _history.KnowsAsync("channel", "msg-3", Cancellation)).ShouldBeTrue();
        _webPubSub.Sent.Select(update => (update.MessageId, update.Status)).ShouldBe([("msg-1", "completed"), ("msg-2", "completed"), ("msg-3", "completed")]);
    }

    [Theory]
    [InlineData(null, "cosmo")]
    [InlineData("support", "support")]
    public async Task What_was_used_is_counted_under_the_profile_that_answered(string? profile, string counted)
    {
        Answer(new AssistantResponse("resp_1", "It is sunny.", []) { Usage = new TokenUsage(100, 0, 5, "gpt", 1) });

        await RunAsync(round: 0, change: input => input with { Address = Address with { Profile = profile } });

        var today = DateOnly.FromDateTime(_clock.GetUtcNow().UtcDateTime);
        (await _ledger.ReadAsync(today, today, UsageDimension.Profile, 10, Cancellation)).ShouldBe([new(counted, 1, 100, 0, 5)]);
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

        (await RunAsync(round: 0)).Failure!.ShouldSatisfyAllConditions(
            failure => failure.Cause.ShouldBe("incomplete"), failure => failure.Details.ShouldBe("The assistant answered with no text"));
        _webPubSub.Sent.ShouldBeEmpty();
        (await _history.KnowsAsync("channel", "msg-1", Cancellation)).ShouldBeFalse();
    }

    [Theory]
    [InlineData("max_output_tokens", "incomplete", "The assistant answered with no text")]
    [InlineData("content_filter", "content_filter", "The answer was withheld by a content filter.")]
    public async Task An_answer_that_was_cut_is_told_with_the_text_that_its_user_saw(string incomplete, string cause, string details)
    {
        Answer(new AssistantResponse("resp_1", "", [], incomplete));
        (await RunAsync(round: 0)).Failure!.ShouldSatisfyAllConditions(failure => failure.Cause.ShouldBe(cause), failure => failure.Details.ShouldBe(details));

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

    [Fact]
    public async Task Where_the_model_was_asked_is_told_however_it_ends()
    {
        _assistant.CreateThreadAsync(Arg.Any<Func<Task>?>(), Arg.Any<CancellationToken>()).Returns("conv_new");
        _assistant.RespondAsync(Arg.Any<AssistantRequest>(), Arg.Any<IAssistantObserver>(), Arg.Any<CancellationToken>())
            .ThrowsAsync(new AssistantException(AssistantFailure.RateLimit, "429"));

        (await RunAsync(round: 0, threadId: null)).ShouldSatisfyAllConditions(result => result.Failure!.Cause.ShouldBe("rate_limit"), result => result.ThreadId.ShouldBe("conv_new"));
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
        (result.Failure?.Cause ?? _webPubSub.Sent.Single().Status, result.ThreadId).ShouldBe((end, "conv_1"));
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
        _assistant.CreateThreadAsync(Arg.Any<Func<Task>?>(), Arg.Any<CancellationToken>()).Returns("conv_new");
        var running = RunAsync(round: 0, threadId: null);

        await begun.Task;
        _clock.Advance(TimeSpan.FromSeconds(90));

        ((await running).Failure, (await running).ThreadId).ShouldBe((Failure.Stopped, "conv_new"));
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

    [Theory]
    [InlineData("rate_limit", ActivityStatusCode.Error)]
    [InlineData("cancelled", ActivityStatusCode.Unset)]
    [InlineData("stopped", ActivityStatusCode.Unset)]
    [InlineData("over", ActivityStatusCode.Unset)]
    public async Task What_failed_is_an_error_of_the_span_and_what_was_stopped_or_over_is_none(string cause, ActivityStatusCode status)
    {
        _assistant.RespondAsync(Arg.Any<AssistantRequest>(), Arg.Any<IAssistantObserver>(), Arg.Any<CancellationToken>()).ThrowsAsync(new AssistantException(AssistantFailure.RateLimit, "429"));
        await (cause switch
        {
            "cancelled" => _stopSignals.CancelAsync("channel", "instance-1", Cancellation),
            "stopped" => _stopSignals.StopAsync("channel", "instance-1", Cancellation),
            "over" => _updates.PublishAsync(Address, Updates.Error(Address, "conv_1", "sentence", "details"), once: null, Cancellation),
            _ => Task.CompletedTask,
        });
        using var span = new Activity("activity").Start();

        (await RunAsync(round: 0)).Failure!.Cause.ShouldBe(cause);

        (span.Status, span.GetTagItem("error.type")).ShouldBe((status, status == ActivityStatusCode.Error ? cause : null));
    }

    [Fact]
    public async Task What_an_answer_took_is_measured_once()
    {
        using var measured = new RecordedMeasurements(Telemetry.TurnWait, Telemetry.FirstText, Telemetry.Overall, Telemetry.AnswersCompleted);
        using var span = new Activity("activity").Start();
        Stream("Let me look.", [new ToolCall("call_1", "get_weather", "{}")], "Let me ", "look.");

        await RunAsync(round: 0, threadId: null, change: input => input with { ReceivedAt = _clock.GetUtcNow() - TimeSpan.FromSeconds(20) });
        _clock.Advance(TimeSpan.FromSeconds(3));
        Stream("It is sunny.", [], "It is ", "sunny.");
        await RunAsync(round: 1, change: input => input with { ReceivedAt = _clock.GetUtcNow() - TimeSpan.FromSeconds(24) });

        measured.All.ShouldBe([(Telemetry.TurnWait, 20, ""), (Telemetry.FirstText, 21, ""), (Telemetry.AnswersCompleted, 1, ""), (Telemetry.Overall, 25, "outcome=completed")]);
        span.GetTagItem("cosmo.time_to_first_text").ShouldBe(21.0);
    }

    [Fact]
    public async Task A_try_that_begins_after_its_deadline_claims_nothing_and_asks_nobody()
    {
        (await RunAsync(round: 0, threadId: null, change: input => input with { StopAt = _clock.GetUtcNow() })).Failure.ShouldBe(Failure.Stopped);

        _assistant.ReceivedCalls().ShouldBeEmpty();
        (await _turns.ClaimAsync(Address, "another-run", Cancellation)).ShouldBe(MessageClaim.Ours);
    }

    [Fact]
    public async Task A_message_that_is_told_to_stop_takes_no_other_along()
    {
        await TakeToMergeAsync();
        await _stopSignals.CancelAsync("channel", "instance-1", Cancellation);

        (await RunAsync(round: 0, threadId: null, change: input => input with { Merges = true })).Failure.ShouldBe(Failure.Cancelled);

        (await _turns.FindPlacesAsync("channel", Cancellation)).ShouldBe(["instance-1", "instance-2"]);
    }

    [Theory]
    [InlineData("connection", "redis")]
    [InlineData("timeout", "redis")]
    [InlineData("refusal", "redis_refuses")]
    public async Task A_Redis_that_is_away_or_refuses_is_a_failure_and_no_exception(string how, string cause)
    {
        await using var redis = new InterceptedRedis(_redis.Prefix, "local function claim", () => how switch
        {
            "connection" => throw new RedisConnectionException(ConnectionFailureType.UnableToConnect, CommandFlags.None, "away"),
            "timeout" => throw new TimeoutException("away"),
            _ => _redis.RefuseAsync(),
        });

        var result = await RunAsync(round: 0, threadId: null, activity: Make(turns: Turns(redis), time: new ManualTimeProvider { SkipUpTo = TimeSpan.FromSeconds(5) }));

        result.Failure!.Cause.ShouldBe(cause);
    }

    [Fact]
    public async Task A_worker_that_stops_fails_the_activity_so_that_it_is_tried_elsewhere()
    {
        using var stopping = new CancellationTokenSource();
        _context.CancellationToken.Returns(stopping.Token);
        _assistant.RespondAsync(Arg.Any<AssistantRequest>(), Arg.Any<IAssistantObserver>(), Arg.Any<CancellationToken>()).Returns(async call =>
        {
            await stopping.CancelAsync();
            call.Arg<CancellationToken>().ThrowIfCancellationRequested();
            return new AssistantResponse("resp_1", "It goes on.", []);
        });

        await Should.ThrowAsync<OperationCanceledException>(RunAsync(round: 0));
    }

    [Theory]
    [InlineData("messages", true)]
    [InlineData("usage", false)]
    [InlineData("history", false)]
    public async Task An_answer_is_not_over_before_all_is_noted_and_told_only_when_what_was_used_is(string what, bool isTold)
    {
        await new ThreadRoom(_redis.Connection).Store.SaveAsync("channel", "conv_1", Cancellation);
        await using var held = new HeldRedis(_redis.Prefix, Noting(what));
        Answer(new AssistantResponse("resp_1", "It is sunny.", []) { Usage = new TokenUsage(100, 0, 5, "gpt", 1) });

        var running = RunAsync(round: 0, threadId: null, activity: ActivityOn(held.Connection, what));
        await held.AskedAsync();
        await _redis.PassAsync(Cancellation);
        (running.IsCompleted, _webPubSub.Sent.Count).ShouldBe((false, isTold ? 1 : 0));
        held.Release();

        (await running).Failure.ShouldBeNull();
        _webPubSub.Sent.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Tools_are_not_asked_for_before_what_was_used_is_counted()
    {
        await using var held = new HeldRedis(_redis.Prefix, Noting("usage"));
        Answer(new AssistantResponse("resp_1", "", [new ToolCall("call_1", "get_weather", "{}")]) { Usage = new TokenUsage(100, 0, 5, "gpt", 1) });

        var running = RunAsync(round: 0, activity: ActivityOn(held.Connection, "usage"));
        await held.AskedAsync();
        await _redis.PassAsync(Cancellation);
        (running.IsCompleted, _webPubSub.Sent.Count).ShouldBe((false, 0));
        held.Release();

        (await running).ToolCalls.ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData("usage", true)]
    [InlineData("usage", false)]
    [InlineData("history", true)]
    [InlineData("history", false)]
    public async Task What_cannot_be_noted_keeps_no_answer_from_being_told(string what, bool isSilent)
    {
        await using var redis = new InterceptedRedis(
            _redis.Prefix, Noting(what), () => throw (isSilent ? new TimeoutException("away") : new RedisConnectionException(ConnectionFailureType.UnableToConnect, CommandFlags.None, "away")));
        Answer(new AssistantResponse("resp_1", "It is sunny.", []) { Usage = new TokenUsage(100, 0, 5, "gpt", 1) });

        (await RunAsync(round: 0, activity: ActivityOn(redis, what, new ManualTimeProvider { SkipUpTo = TimeSpan.FromSeconds(5) }))).Failure.ShouldBeNull();

        _webPubSub.Sent.ShouldHaveSingleItem().Status.ShouldBe("completed");
    }

    [Fact]
    public async Task All_text_of_a_round_is_told_before_its_tools_and_a_later_round_goes_on_behind_it()
    {
        Stream("Let me look.", [new ToolCall("call_1", "get_weather", "{}")], "Let me ", "look.");
        var first = await RunAsync(round: 0);
        _webPubSub.Sent.TakeWhile(update => update.Status != "processing").Last().Message.ShouldBe("Let me look.");
        _webPubSub.Sent[^1].Status.ShouldBe("processing");

        Stream("It is sunny.", [], "It is ");
        var second = await RunAsync(round: 1);

        _webPubSub.Sent.Where(update => update.Status == "in_progress").Last().Message.ShouldBe("Let me look.\n\nIt is ");
        (first.FirstTextAt, first.TextUpdates).ShouldBe((_clock.GetUtcNow() - TimeSpan.FromSeconds(1), 2));
        (second.FirstTextAt, second.TextUpdates).ShouldBe((_clock.GetUtcNow(), 1));
    }

    [Theory]
    [InlineData("It is sunny", "It is sunny")]
    [InlineData("", "It is")]
    public async Task A_second_try_shows_no_less_than_the_first_had_shown(string shown, string last)
    {
        _assistant.RespondAsync(Arg.Any<AssistantRequest>(), Arg.Any<IAssistantObserver>(), Arg.Any<CancellationToken>()).Returns(call => DieAsync(call.Arg<IAssistantObserver>()));
        await Should.ThrowAsync<InvalidOperationException>(RunAsync(round: 0));
        Stream("It is sunny today.", [], "It is");

        await RunAsync(round: 0);

        _webPubSub.Sent.Where(update => update.Status == "in_progress").Select(update => update.Message).ShouldBe([last]);
        _webPubSub.Sent[^1].Message.ShouldBe("It is sunny today.");

        async Task<AssistantResponse> DieAsync(IAssistantObserver observer)
        {
            await observer.ResponseCreatedAsync("resp_1");
            observer.TextReceived(shown);
            throw new InvalidOperationException("The worker died.");
        }
    }

    [Fact]
    public async Task The_last_word_comes_behind_the_text_that_is_under_way()
    {
        var sending = new TaskCompletionSource();
        _webPubSub.Next.Enqueue(() => Task.CompletedTask);
        _webPubSub.Next.Enqueue(() => sending.Task);
        Stream("It is sunny.", [], "It is ");

        var running = RunAsync(round: 0);
        await _clock.TimerSetForAsync(TimeSpan.FromSeconds(1));
        await _redis.PassAsync(Cancellation);
        _webPubSub.Sent.Select(update => update.Status).ShouldBe(["responding"]);
        sending.SetResult();
        await running;

        _webPubSub.Sent.Select(update => update.Status).ShouldBe(["responding", "in_progress", "completed"]);
    }

    [Theory]
    [InlineData(30)]
    [InlineData(null)]
    public async Task The_service_is_asked_again_until_the_orchestration_says_or_to_the_end(int? retrySeconds)
    {
        Answer(new AssistantResponse("resp_1", "Hello", []));
        var now = _clock.GetUtcNow();

        await RunAsync(round: 0, change: input => input with { RetryUntil = retrySeconds is { } seconds ? now + TimeSpan.FromSeconds(seconds) : null });

        await _assistant.Received(1).RespondAsync(
            Arg.Is<AssistantRequest>(request => request.RetryUntil == now + TimeSpan.FromSeconds(retrySeconds ?? 90) && request.StopAt == now + TimeSpan.FromSeconds(90)),
            Arg.Any<IAssistantObserver>(),
            Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task Questions_that_are_asked_together_are_asked_in_the_first_round_alone()
    {
        Answer(new AssistantResponse("resp_1", "It is sunny.", []));

        await RunAsync(round: 1, merged: [Other("msg-2")]);

        await _assistant.Received(1).RespondAsync(Arg.Is<AssistantRequest>(request => request.Question == null && request.MoreQuestions.Count == 0), Arg.Any<IAssistantObserver>(), Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task The_items_of_all_rounds_are_noted_when_the_answer_is_whole()
    {
        Answer(new AssistantResponse("resp_1", "Let me look.", [new ToolCall("call_1", "get_weather", "{}")]) { MessageIds = ["msg_a"] });
        await RunAsync(round: 0);
        (await _history.KnowsAsync("channel", "msg-1", Cancellation)).ShouldBeFalse();
        (await _memory.FindSoFarAsync(Address, 0, Cancellation)).CallIds.ShouldBe(["call_1"]);

        Answer(new AssistantResponse("resp_2", "It is sunny.", []) { MessageIds = ["msg_b"] });
        await RunAsync(round: 1);

        (await _history.FindAsync("channel", ["msg_a", "msg_b"], Cancellation)).Select(item => (item.Key, item.Value.MessageId, item.Value.Status)).ShouldBe(
            [("msg_a", "msg-1", "completed"), ("msg_b", "msg-1", "completed")], ignoreOrder: true);
    }

    [Fact]
    public async Task That_tools_are_asked_for_is_told_once_a_round()
    {
        Answer(new AssistantResponse("resp_1", "", [new ToolCall("call_1", "get_weather", "{}")]));

        await RunAsync(round: 0);
        await RunAsync(round: 0);
        await RunAsync(round: 1);

        _webPubSub.Sent.Select(update => update.Status).ShouldBe(["processing", "processing"]);
    }

    [Fact]
    public async Task A_response_is_counted_once_by_its_id_whoever_takes_it_and_one_without_by_its_round()
    {
        Answer(new AssistantResponse("", "", [new ToolCall("call_1", "get_weather", "{}")]) { Usage = new TokenUsage(100, 0, 5, "gpt", 1) });
        await RunAsync(round: 0);
        await RunAsync(round: 0);
        await RunAsync(round: 1);
        Answer(new AssistantResponse("resp_1", "", [new ToolCall("call_1", "get_weather", "{}")]) { Usage = new TokenUsage(1000, 0, 50, "gpt", 1) });
        await RunAsync(round: 2);
        await RunAsync(round: 2, change: input => input with { InstanceId = "instance-2" });

        var today = DateOnly.FromDateTime(_clock.GetUtcNow().UtcDateTime);
        (await _ledger.ReadAsync(today, today, UsageDimension.Model, 10, Cancellation)).ShouldBe([new("gpt", 1, 1200, 0, 60)]);
    }

    [Fact]
    public async Task Where_a_busy_channel_rejects_a_message_that_comes_with_the_last_word_waits_for_the_end_of_the_turn()
    {
        var turns = Turns(_redis.Connection, AnsweringOptions.Reject);
        var taken = await turns.TakeAsync(Address, "Hi", [], "instance-1", 0, null, null, Cancellation);
        await _log.SettleAsync(Address, taken.Started!.Payload.Sequence!.Value);
        var place = default(TurnPlace?);
        _webPubSub.Next.Enqueue(async () => place = (await turns.TakeAsync(Address with { MessageId = "msg-2" }, "Hi", [], "instance-2", 0, null, null, Cancellation)).Place);
        Answer(new AssistantResponse("resp_1", "Hello", []));

        await RunAsync(round: 0, activity: Make(turns: turns));

        place.ShouldBe(TurnPlace.Waiting);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task A_first_round_that_finds_its_message_over_ends_those_that_were_asked_together_as_it_ended(bool merges, bool isAnswered)
    {
        await TakeToMergeAsync();
        await (merges ? _turns.ClaimTogetherAsync(Address, "instance-1", "run-1", MergedMessage.MostText, Cancellation) : (Task)_turns.ClaimAsync(Address, "run-1", Cancellation));
        await _updates.PublishAsync(Address, isAnswered ? Updates.Completed(Address, "conv_1", "It is sunny.") : Updates.Error(Address, "conv_1", "sentence", "details"), once: null, Cancellation);

        var result = await RunAsync(round: 0, threadId: null, change: input => input with { Merges = merges });

        result.Failure.ShouldBe(isAnswered ? null : Failure.Over);
        result.Merged?.Select(message => message.Address.MessageId).ShouldBe(["msg-2"]);
        (result.Merged is not null).ShouldBe(merges && isAnswered);
        _webPubSub.Sent.Skip(1).Select(update => (update.MessageId, update.Status, update.AnsweredBy)).ShouldBe(merges && isAnswered ? [("msg-2", "completed", "msg-1")] : []);
    }

    [Fact]
    public async Task A_message_whose_end_Redis_loses_when_it_has_just_been_found_over_is_answered_again()
    {
        await new ThreadRoom(_redis.Connection).Store.SaveAsync("channel", "conv_1", Cancellation);
        await _turns.ClaimAsync(Address, "run-1", Cancellation);
        await _updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "It was sunny."), once: null, Cancellation);
        Answer(new AssistantResponse("resp_1", "It is sunny.", []));
        var losing = Substitute.For<IUpdatePublisher>();
        losing.FindEndAsync(Address, Arg.Any<CancellationToken>()).Returns(async _ =>
        {
            await _redis.Connection.RunAsync(database => database.KeyDeleteAsync(_log.FenceKey(Address)), Cancellation);
            return null;
        });
        losing.PublishAsync(Address, Arg.Any<UpdatePayload>(), Arg.Any<string?>(), Arg.Any<CancellationToken>()).Returns(true);

        (await RunAsync(round: 0, threadId: null, activity: Make(updates: losing))).Failure.ShouldBeNull();

        await losing.Received(1).PublishAsync(Address, Arg.Is<UpdatePayload>(update => update.Message == "It is sunny."), null, Arg.Any<CancellationToken>());
    }

    [Theory]
    [InlineData(0, 4.5)]
    [InlineData(1, 15)]
    public async Task The_first_event_of_an_answer_is_told_of_soon_and_those_of_later_rounds_in_time(int round, double seconds)
    {
        var (heard, told) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource());
        _client.RaiseEventAsync("instance-1", AnswerMessage.ModelProgress, Arg.Any<object?>(), Arg.Any<CancellationToken>()).Returns(_ =>
        {
            told.TrySetResult();
            return Task.CompletedTask;
        });
        _assistant.RespondAsync(Arg.Any<AssistantRequest>(), Arg.Any<IAssistantObserver>(), Arg.Any<CancellationToken>()).Returns(async call =>
        {
            call.Arg<IAssistantObserver>().EventReceived();
            heard.SetResult();
            await told.Task;
            return new AssistantResponse("resp_1", "Hello", []);
        });

        var running = RunAsync(round);

        // In later rounds the timer is set before the model is asked.
        await heard.Task;
        await _clock.TimerSetForAsync(TimeSpan.FromSeconds(seconds));
        _clock.Advance(TimeSpan.FromSeconds(seconds));

        (await running).Failure.ShouldBeNull();
    }

    private void Answer(AssistantResponse response) =>
        _assistant.RespondAsync(Arg.Any<AssistantRequest>(), Arg.Any<IAssistantObserver>(), Arg.Any<CancellationToken>()).Returns(response);

    /// <summary>A response whose pieces come a second after it was asked for.</summary>
    private void Stream(string text, IReadOnlyList<ToolCall> calls, params string[] pieces) =>
        _assistant.RespondAsync(Arg.Any<AssistantRequest>(), Arg.Any<IAssistantObserver>(), Arg.Any<CancellationToken>()).Returns(call =>
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            foreach (var piece in pieces)
            {
                call.Arg<IAssistantObserver>().TextReceived(piece);
            }

            return new AssistantResponse("resp_1", text, calls);
        });

    /// <summary>What stands in the script by which that is noted.</summary>
    private static string Noting(string what) => what switch
    {
        "messages" => "'SET', KEYS[1], ARGV[2]",
        "usage" => "local seen, before",
        _ => "local known, order",
    };

    private RunAssistant ActivityOn(RedisConnection redis, string what, TimeProvider? time = null) => what switch
    {
        "messages" => Make(threads: redis, time: time),
        "usage" => Make(ledger: Ledger(redis), time: time),
        _ => Make(history: History(redis), time: time),
    };

    /// <summary>Two messages that may be asked together.</summary>
    private async Task TakeToMergeAsync()
    {
        foreach (var number in (int[])[1, 2])
        {
            var address = Address with { MessageId = $"msg-{number}" };
            var ticket = MergeTicket.Of(address, new ChatMessage("channel", address.MessageId, "Hi", Caller.Anonymous), DeliveryProperties.None, _clock.GetUtcNow());
            var taken = await _turns.TakeAsync(address, "Hi", [], $"instance-{number}", 20, null, ticket, Cancellation);
            await (taken.Started is { } started ? _log.SettleAsync(address, started.Payload.Sequence!.Value) : Task.CompletedTask);
        }
    }

    private MergedMessage Other(string messageId) => new(Address with { MessageId = messageId }, $"Question of {messageId}", DeliveryProperties.None, _clock.GetUtcNow());

    private Task<RunResult> RunAsync(
        int round, string? threadId = "conv_1", IReadOnlyList<MergedMessage>? merged = null, RunAssistant? activity = null, Func<RunInput, RunInput>? change = null)
    {
        var input = new RunInput(
            Address, "instance-1", "run-1", HasStarted: true, threadId, round == 0 ? "Hi" : null, [], Caller.Anonymous, round, _clock.GetUtcNow() + TimeSpan.FromSeconds(45),
            _clock.GetUtcNow() + TimeSpan.FromSeconds(90), _clock.GetUtcNow())
        {
            Merges = merged is not null,
            Merged = merged,
        };
        return (activity ?? Make()).RunAsync(change?.Invoke(input) ?? input, _client, _context);
    }
}
