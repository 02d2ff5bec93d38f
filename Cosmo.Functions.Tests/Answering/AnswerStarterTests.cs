using System.ComponentModel.DataAnnotations;
using Cosmo.Functions.Access;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants.Profiles;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Hosting.Observability;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Access;
using Cosmo.Functions.Tests.Assistants;
using Cosmo.Functions.Tests.Delivery;
using Cosmo.Functions.Threads;
using DurableTask.Core.Exceptions;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Converters;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using NSubstitute.Core;
using NSubstitute.ExceptionExtensions;
using StackExchange.Redis;

namespace Cosmo.Functions.Tests.Answering;

public sealed class AnswerStarterTests : IAsyncDisposable
{
    private readonly TestRedis _redis = new();
    private readonly DurableTaskClient _client = Substitute.For<DurableTaskClient>("test");
    private readonly StopSignals _stopSignals;
    private readonly UpdateLog _log;
    private readonly TurnQueue _turns;
    private readonly RecordingPublisher _updates = new();
    private readonly AccessSetup _access;
    private readonly MessageHistory _history;
    private readonly MessageDirectory _directory;
    private readonly AnsweringOptions _options = new();
    private readonly LimitOptions _limits = new();
    private readonly ManualTimeProvider _clock = new() { SkipUpTo = TimeSpan.FromSeconds(5) };
    private readonly AnswerStarter _starter;

    public AnswerStarterTests()
    {
        var options = Options.Create(_options);
        _log = new UpdateLog(_redis.Connection, Options.Create(new DeliveryOptions()), TimeProvider.System);
        _turns = new TurnQueue(_redis.Connection, _log, options);
        _stopSignals = new StopSignals(_redis.Connection, NullLogger<StopSignals>.Instance);
        _access = new AccessSetup(_redis.Connection, TimeProvider.System);
        _directory = new MessageDirectory(_redis.Connection);
        _history = new MessageHistory(_redis.Connection, Options.Create(new ThreadOptions()), TimeProvider.System);
        _starter = Starter(_turns, _directory);
    }

    private AnswerStarter Starter(TurnQueue turns, MessageDirectory directory, ProfileCatalog? profiles = null) =>
        new(
            turns,
            new TurnRelease(turns, TimeProvider.System, NullLogger<TurnRelease>.Instance),
            new MessageLimits(_redis.Connection, AccessSetup.BackendNames, Options.Create(_limits), TimeProvider.System),
            profiles ?? TestProfiles.BuiltIn,
            new Cancellation(turns, _log, _stopSignals, NullLogger<Cancellation>.Instance),
            directory,
            _history,
            _access.Groups,
            _updates,
            Options.Create(_options),
            _clock,
            NullLogger<AnswerStarter>.Instance);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        _access.Dispose();
        _stopSignals.Dispose();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task A_message_that_cannot_be_scheduled_gives_its_place_back()
    {
        Schedule().ThrowsAsync(new IOException("The store is away."));
        (await StartAsync("msg-1"))!.Cause.ShouldBe("durable_store");
        (await new MessageMemory(_redis.Connection, _clock, NullLogger<MessageMemory>.Instance).FindBodyAsync(new("channel", "msg-1", 1), Cancellation)).ShouldBe([1], "it may have begun all the same, and fail");

        Schedule().Returns("instance");
        await StartAsync("msg-2");

        Scheduled().Select(input => (input.Address.MessageId, input.HasTurn)).Last().ShouldBe(("msg-2", true));
    }

    [Fact]
    public async Task A_delivery_that_comes_again_before_it_was_acknowledged_is_taken_in_once_and_keeps_its_place()
    {
        Schedule().Returns(_ => "instance", _ => throw new OrchestrationAlreadyExistsException("An orchestration with this id exists."), _ => "instance");
        using var measured = new RecordedMeasurements(Telemetry.AnswersStarted);

        (await StartAsync("msg-1")).ShouldBeNull();
        (await StartAsync("msg-1")).ShouldBeNull();
        await StartAsync("msg-2");

        measured.All.Sum(one => one.Value).ShouldBe(2);
        Scheduled().Last().ShouldSatisfyAllConditions(input => input.Address.MessageId.ShouldBe("msg-2"), input => input.HasTurn.ShouldBeFalse());
    }

    [Fact]
    public async Task The_replay_of_a_message_is_no_second_delivery()
    {
        Schedule().Returns("instance");

        await StartAsync("msg-1");
        await StartAsync("msg-1", attempt: 2);

        Scheduled().Select(input => input.Address.Attempt).ShouldBe([1, 2]);
    }

    [Fact]
    public async Task A_message_that_the_store_knows_is_no_new_one_although_Redis_has_forgotten_it_and_gives_its_place_back()
    {
        Schedule().ThrowsAsync(new OrchestrationAlreadyExistsException("An orchestration with this id exists."));

        (await StartAsync("msg-1")).ShouldBeNull();

        Schedule().Returns("instance");
        await StartAsync("msg-2");
        Scheduled().Last().HasTurn.ShouldBeTrue();
    }

    [Fact]
    public async Task Of_two_deliveries_at_once_the_one_that_took_the_place_leaves_it_to_the_one_that_was_scheduled()
    {
        Schedule().ThrowsAsync(new OrchestrationAlreadyExistsException("An orchestration with this id exists."));
        Finding().Returns(Instance(OrchestrationRuntimeStatus.Running));

        (await StartAsync("msg-1")).ShouldBeNull();

        Schedule().Returns("instance");
        await StartAsync("msg-2");
        Scheduled().Last().HasTurn.ShouldBeFalse();
    }

    [Fact]
    public async Task Only_the_start_is_asked_of_the_store()
    {
        Schedule().Returns("instance");

        await StartAsync("msg-1");
        await StartAsync("msg-2");

        _client.ReceivedCalls().ShouldAllBe(call => IsSchedule(call));
    }

    [Fact]
    public async Task Who_need_not_wait_is_told_at_once_that_the_answer_has_started()
    {
        Schedule().Returns("instance");

        await StartAsync("msg-1");
        await StartAsync("msg-2");

        _updates.Published.TryRead(out var started).ShouldBeTrue();
        started!.ShouldSatisfyAllConditions(it => it.Status.ShouldBe("started"), it => it.MessageId.ShouldBe("msg-1"), it => it.Sequence.ShouldNotBeNull());
        _updates.Published.TryRead(out _).ShouldBeFalse();
    }

    [Fact]
    public async Task No_status_of_an_earlier_start_lets_a_message_start_anew()
    {
        Schedule().Returns("instance");

        await StartAsync("msg-1");

        var options = (StartOrchestrationOptions)_client.ReceivedCalls().Single(IsSchedule).GetArguments()[2]!;
        options.DedupeStatuses.ShouldBe(["Pending", "Running", "Suspended", "Completed", "Failed", "Terminated"], ignoreOrder: true);
    }

    [Fact]
    public async Task A_message_that_the_store_knows_is_not_refused_where_too_many_wait()
    {
        Schedule().Returns("instance");
        for (var i = 0; i <= 20; i++)
        {
            await StartAsync($"msg-{i}");
        }

        (await StartAsync("msg-21"))!.Cause.ShouldBe("channel_full");
        Finding().Returns(Instance(OrchestrationRuntimeStatus.Completed));
        (await StartAsync("msg-21")).ShouldBeNull();
    }

    [Fact]
    public void An_orchestration_is_called_the_same_by_every_version() => InstanceOf("msg-1").ShouldBe("answer-32f0ca891a567eff99410286aa4a5ae15e4de697");

    [Fact]
    public async Task All_that_an_answer_needs_goes_to_its_orchestration_and_operators_find_its_channel()
    {
        (_options.StallSeconds, _options.MaxToolRounds, _options.ApprovalMinutes, _options.WhenBusy) = (30, 3, 7, AnsweringOptions.Merge);
        Schedule().Returns("instance");

        await StartAsync("msg-1");
        await StartAsync("msg-2");

        var inputs = Scheduled().ToList();
        inputs[0].ShouldSatisfyAllConditions(
            input => (input.Question, input.Merges, input.Replaces, input.ReceivedAt, input.Body).ShouldBe(("Hello", true, null, _clock.GetUtcNow(), null)),
            input => (input.Deadlines, input.MaxToolRounds, input.ApprovalTime).ShouldBe((_options.Deadlines, 3, TimeSpan.FromMinutes(7))));
        inputs[0].RunId.ShouldNotBe(inputs[1].RunId);
        (await _directory.FindAsync("msg-2", Cancellation)).ShouldBe(new("channel", "msg-2", 1));
    }

    [Fact]
    public async Task Another_text_under_an_id_that_is_taken_is_refused_also_where_the_store_alone_knows_the_first()
    {
        Schedule().Returns("instance");
        await StartAsync("msg-1");

        (await StartAsync("msg-1", text: "Goodbye"))!.Cause.ShouldBe("message_id_taken");

        Schedule().ThrowsAsync(new OrchestrationAlreadyExistsException("An orchestration with this id exists."));
        Finding().Returns(Instance(OrchestrationRuntimeStatus.Running, Scheduled().First() with { Question = "Good morning" }));
        (await StartAsync("msg-2"))!.Cause.ShouldBe("message_id_taken");
    }

    [Fact]
    public async Task A_start_that_seemed_to_fail_and_had_begun_keeps_its_place()
    {
        AnswerInput? begun = null;
        Schedule().Returns(
            call =>
            {
                begun = (AnswerInput)call[1];
                throw new IOException("The answer was lost.");
            },
            _ => throw new OrchestrationAlreadyExistsException("An orchestration with this id exists."),
            _ => "instance");
        _client.GetInstanceAsync(InstanceOf("msg-1"), true, Arg.Any<CancellationToken>()).Returns(_ => Instance(OrchestrationRuntimeStatus.Completed, begun));

        (await StartAsync("msg-1", patience: TimeSpan.FromSeconds(5))).ShouldBeNull();

        await StartAsync("msg-2");
        Scheduled().Last().HasTurn.ShouldBeFalse();
    }

    [Fact]
    public async Task A_store_that_does_not_answer_is_given_fifteen_seconds()
    {
        Schedule().Returns(async call =>
        {
            await Task.Delay(Timeout.Infinite, call.Arg<CancellationToken>());
            return "instance";
        });

        var starting = StartAsync("msg-1");
        await _clock.TimerSetForAsync(TimeSpan.FromSeconds(15));
        starting.IsCompleted.ShouldBeFalse();
        _clock.Advance(TimeSpan.FromSeconds(15));

        (await starting)!.Cause.ShouldBe("durable_store");
    }

    [Theory]
    [InlineData(AnsweringOptions.Enqueue, "channel_full", "More than 1 messages wait in this channel")]
    [InlineData(AnsweringOptions.Reject, "channel_busy", "Another message of this channel is being answered")]
    public async Task Who_may_not_wait_is_told_why(string whenBusy, string cause, string details)
    {
        (_options.WhenBusy, _options.MaxWaiting) = (whenBusy, 1);
        Schedule().Returns("instance");
        await StartAsync("msg-1");
        await (whenBusy == AnsweringOptions.Enqueue ? StartAsync("msg-2") : Task.CompletedTask);

        (await StartAsync("msg-3"))!.ShouldSatisfyAllConditions(failure => failure.Cause.ShouldBe(cause), failure => failure.Details.ShouldBe(details));
    }

    [Fact]
    public async Task What_takes_the_place_of_the_message_that_is_answered_may_wait_where_a_busy_channel_rejects()
    {
        _options.WhenBusy = AnsweringOptions.Reject;
        Schedule().Returns("instance");
        await StartAsync("msg-1");

        (await StartAsync("msg-2", replaces: "msg-1")).ShouldBeNull();

        (await IsCancelledAsync("msg-1")).ShouldBeTrue();
    }

    [Fact]
    public async Task Where_messages_interrupt_each_cancels_all_before_it_and_none_is_cancelled_elsewhere()
    {
        Schedule().Returns("instance");
        await StartAsync("msg-1");
        await StartAsync("msg-2");
        (await IsCancelledAsync("msg-1")).ShouldBeFalse();

        _options.WhenBusy = AnsweringOptions.Interrupt;
        await StartAsync("msg-3");
        await StartAsync("msg-4", channel: "other");

        (await Task.WhenAll(IsCancelledAsync("msg-1"), IsCancelledAsync("msg-2"), IsCancelledAsync("msg-3"))).ShouldBe([true, true, false]);
    }

    [Fact]
    public async Task A_message_over_the_limit_is_refused_and_one_that_comes_again_is_none()
    {
        _limits.MessagesPerMinute = 1;
        Schedule().Returns("instance");

        (await StartAsync("msg-1")).ShouldBeNull();
        (await StartAsync("msg-1")).ShouldBeNull();
        (await StartAsync("msg-2"))!.Cause.ShouldBe("over_limit");
        (await StartAsync("msg-3", channel: "other")).ShouldBeNull();
    }

    [Fact]
    public async Task What_cannot_be_cancelled_is_waited_for_by_what_replaces_it()
    {
        Schedule().Returns("instance");
        await StartAsync("msg-1");
        _client.GetInstanceAsync(InstanceOf("msg-1"), Arg.Any<CancellationToken>()).ThrowsAsync(new IOException("The store is away."));

        (await StartAsync("msg-2", replaces: "msg-1")).ShouldBeNull();
    }

    [Fact]
    public async Task Where_what_is_replaced_is_asked_together_with_another_that_one_is_cancelled()
    {
        _options.WhenBusy = AnsweringOptions.Merge;
        Schedule().Returns("instance");
        await StartAsync("msg-1");
        await StartAsync("msg-2");
        (await ClaimTogetherAsync()).ShouldBe(["msg-2"]);

        await StartAsync("msg-3", replaces: "msg-2");

        (await IsCancelledAsync("msg-1")).ShouldBeTrue();
    }

    [Fact]
    public async Task Messages_that_were_taken_where_none_is_merged_are_asked_each_by_itself()
    {
        Schedule().Returns("instance");
        await StartAsync("msg-1");
        await StartAsync("msg-2");

        (await ClaimTogetherAsync()).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("user", "brief", "brief")]
    [InlineData("producer", "brief", "brief")]
    [InlineData("stranger", "brief", null)]
    [InlineData("user", null, null)]
    [InlineData("user", "unknown", "unknown_profile")]
    [InlineData("stranger", "unknown", null)]
    public async Task Who_answers_is_what_the_message_says_but_for_a_stranger_s(string caller, string? asked, string? answers)
    {
        var folder = Directory.CreateTempSubdirectory("cosmo-test-");
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "brief.md"), "You are brief.", Cancellation);
        Schedule().Returns("instance");
        var user = caller switch
        {
            "user" => new Caller("ana", []),
            "producer" => Caller.TrustedProducer,
            _ => Caller.Anonymous,
        };

        var failure = await StartAsync(new ChatMessage("channel", "msg-1", "Hello", user) { Profile = asked }, starter: Starter(_turns, _directory, TestProfiles.In(folder.FullName)));

        (failure?.Cause ?? Scheduled().Single().Address.Profile).ShouldBe(answers);
        folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData(null, "backend:ana")]
    [InlineData("client", null)]
    public async Task A_new_channel_belongs_to_whom_a_producer_names(string? origin, string? owner)
    {
        _access.Options.Mode = "owner";
        Schedule().Returns("instance");

        await StartAsync(new ChatMessage("channel", "msg-1", "Hello", new Caller("ana", [])), origin: origin);

        (await _access.Owners.FindAsync("channel", Cancellation)).ShouldBe(owner);
    }

    [Fact]
    public async Task While_Redis_is_away_a_message_is_refused_for_that_and_a_directory_alone_that_is_away_costs_nothing()
    {
        await using var nowhere = TestRedis.Nowhere();
        Schedule().Returns("instance");
        var message = new ChatMessage("channel", "msg-1", "Hello", Caller.Anonymous);

        (await StartAsync(message, starter: Starter(new TurnQueue(nowhere, _log, Options.Create(_options)), _directory)))!.Cause.ShouldBe("redis");
        (await StartAsync(message, starter: Starter(_turns, new MessageDirectory(nowhere)))).ShouldBeNull();
    }

    [Fact]
    public async Task A_message_is_not_acknowledged_before_operators_can_find_its_channel()
    {
        var gate = new TaskCompletionSource();
        await using var held = new GatedRedis(_redis.Prefix, gate.Task);
        Schedule().Returns("instance");

        var starting = StartAsync(new ChatMessage("channel", "msg-1", "Hello", Caller.Anonymous), starter: Starter(_turns, new MessageDirectory(held)));
        await Eventually.IsSoAsync(() => Scheduled().Any(), () => "It was not scheduled.", Cancellation);
        starting.IsCompleted.ShouldBeFalse();
        gate.SetResult();

        (await starting).ShouldBeNull();
        (await _directory.FindAsync("msg-1", Cancellation)).ShouldBe(new("channel", "msg-1", 1));
    }

    [Theory]
    [InlineData("enqueue", true)]
    [InlineData("reject", true)]
    [InlineData("interrupt", true)]
    [InlineData("merge", true)]
    [InlineData("drop", false)]
    public void What_a_busy_channel_does_is_one_of_four(string policy, bool isValid)
    {
        var options = new AnsweringOptions { WhenBusy = policy };
        var faults = new List<ValidationResult>();

        Validator.TryValidateObject(options, new ValidationContext(options), faults, validateAllProperties: true).ShouldBe(isValid);

        faults.Select(fault => fault.ErrorMessage).ShouldBe(isValid ? [] : ["Cosmo:Conversations:WhenBusy must be enqueue, reject, interrupt or merge."]);
    }

    [Fact]
    public async Task What_is_replaced_must_be_known_in_the_channel_and_nothing_is_done_where_it_is_not()
    {
        Schedule().Returns("instance");
        (await StartAsync("msg-1")).ShouldBeNull();
        await _history.RecordAsync(new("channel", "old", 1), [], "completed", DateTimeOffset.UtcNow, [], Cancellation);
        await _history.ForgetAsync("channel", ["replaced-before"], [], Cancellation);

        (await StartAsync("msg-2", replaces: "another"))!.ShouldSatisfyAllConditions(
            failure => failure.Cause.ShouldBe("unknown_message"), failure => failure.Details.ShouldBe("Field 'replaces' names a message that this channel has not had: 'another'"));
        (await StartAsync("msg-3", replaces: "msg-1", channel: "other"))!.Cause.ShouldBe("unknown_message");
        (await StartAsync("msg-4", replaces: "msg-1")).ShouldBeNull();
        (await StartAsync("msg-5", replaces: "old")).ShouldBeNull();
        (await StartAsync("msg-6", replaces: "replaced-before")).ShouldBeNull();

        Scheduled().Select(input => (input.Address.MessageId, input.Replaces)).ShouldBe([("msg-1", null), ("msg-4", "msg-1"), ("msg-5", "old"), ("msg-6", "replaced-before")]);
    }

    [Fact]
    public async Task What_is_replaced_is_cancelled_with_what_came_after_it_and_nothing_before_or_behind()
    {
        Schedule().Returns("instance");
        foreach (var messageId in (string[])["msg-1", "msg-2", "msg-3"])
        {
            await StartAsync(messageId);
        }

        await StartAsync("msg-4", replaces: "msg-2");
        await StartAsync("msg-5");
        Schedule().ThrowsAsync(new OrchestrationAlreadyExistsException("An orchestration with this id exists."));
        await StartAsync("msg-4", replaces: "msg-2");

        var cancelled = new List<bool>();
        foreach (var messageId in (string[])["msg-1", "msg-2", "msg-3", "msg-4", "msg-5"])
        {
            cancelled.Add(await IsCancelledAsync(messageId));
        }

        cancelled.ShouldBe([false, true, true, false, false]);
    }

    [Fact]
    public async Task A_Redis_that_is_back_in_time_costs_time_alone()
    {
        Schedule().Returns("instance");
        await using var redis = new ReturningRedis(_redis.Prefix);

        var starter = Starter(new TurnQueue(redis, _log, Options.Create(_options)), new MessageDirectory(redis));
        (await StartAsync(new ChatMessage("channel", "msg-1", "Hello", Caller.Anonymous), patience: TimeSpan.FromSeconds(30), starter: starter)).ShouldBeNull();

        Scheduled().ShouldHaveSingleItem().HasTurn.ShouldBeTrue();
    }

    private Task<string> Schedule() => _client.ScheduleNewOrchestrationInstanceAsync(
        Arg.Any<TaskName>(), Arg.Any<object?>(), Arg.Any<StartOrchestrationOptions?>(), Arg.Any<CancellationToken>());

    private Task<OrchestrationMetadata?> Finding() => _client.GetInstanceAsync(Arg.Any<string>(), Arg.Any<bool>(), Arg.Any<CancellationToken>());

    private static string InstanceOf(string messageId) => AnswerStarter.InstanceId(new("channel", messageId, 1));

    private Task<bool> IsCancelledAsync(string messageId) => _stopSignals.IsCancelledAsync("channel", InstanceOf(messageId), Cancellation);

    private static OrchestrationMetadata Instance(OrchestrationRuntimeStatus status, AnswerInput? input = null) => new(nameof(AnswerMessage), "instance")
    {
        RuntimeStatus = status,
        SerializedInput = input is null ? null : JsonDataConverter.Default.Serialize(input),
        DataConverter = JsonDataConverter.Default,
        SerializedOutput = JsonDataConverter.Default.Serialize(new AnswerResult("completed", null, 1)),
    };

    private static bool IsSchedule(ICall call) => call.GetMethodInfo().Name == nameof(DurableTaskClient.ScheduleNewOrchestrationInstanceAsync);

    private IEnumerable<AnswerInput> Scheduled() => _client.ReceivedCalls()
        .Where(IsSchedule)
        .Select(call => call.GetArguments()[1])
        .OfType<AnswerInput>();

    /// <summary>The ids of the messages that are asked together with the first.</summary>
    private async Task<IEnumerable<string>> ClaimTogetherAsync() =>
        (await _turns.ClaimTogetherAsync(new("channel", "msg-1", 1), InstanceOf("msg-1"), "run-1", MergedMessage.MostText, Cancellation)).Merged.Select(message => message.Address.MessageId);

    private Task<Failure?> StartAsync(
        string messageId, int attempt = 1, string? replaces = null, string channel = "channel", string text = "Hello", TimeSpan patience = default) =>
        StartAsync(new ChatMessage(channel, messageId, text, Caller.Anonymous) { Replaces = replaces }, attempt, patience);

    private Task<Failure?> StartAsync(ChatMessage message, int attempt = 1, TimeSpan patience = default, string? origin = null, AnswerStarter? starter = null) => (starter ?? _starter).StartAsync(
        message,
        [1],
        DeliveryProperties.None with
        {
            Headers = new Dictionary<string, string>(origin is null ? [] : [new(DeliveryProperties.OriginHeader, origin)]) { [DeliveryProperties.AttemptHeader] = $"{attempt}" },
        },
        _client,
        patience,
        Cancellation);

    /// <summary>Is away for the first two calls.</summary>
    private sealed class ReturningRedis(string prefix) : RedisConnection(Options.Create(new RedisOptions { Url = TestRedis.Url, Prefix = prefix }))
    {
        private int _calls;

        public override Task<T> RunAsync<T>(Func<IDatabase, Task<T>> command, CancellationToken cancellationToken) => Interlocked.Increment(ref _calls) <= 2
            ? throw new RedisConnectionException(ConnectionFailureType.UnableToConnect, CommandFlags.None, "It is away.")
            : base.RunAsync(command, cancellationToken);
    }

    /// <summary>The shared Redis, in which each command waits first.</summary>
    private sealed class GatedRedis(string prefix, Task gate) : RedisConnection(Options.Create(new RedisOptions { Url = TestRedis.Url, Prefix = prefix }))
    {
        public override async Task<T> RunAsync<T>(Func<IDatabase, Task<T>> command, CancellationToken cancellationToken)
        {
            await gate;
            return await base.RunAsync(command, cancellationToken);
        }
    }
}
