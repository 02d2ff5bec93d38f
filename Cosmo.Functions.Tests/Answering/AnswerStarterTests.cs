using System.ComponentModel.DataAnnotations;
using Cosmo.Functions.Access;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
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
    private readonly RecordingPublisher _updates = new();
    private readonly AccessSetup _access;
    private readonly MessageHistory _history;
    private readonly AnswerStarter _starter;

    public AnswerStarterTests()
    {
        _log = new UpdateLog(_redis.Connection, Options.Create(new DeliveryOptions()), TimeProvider.System);
        _stopSignals = new StopSignals(_redis.Connection, NullLogger<StopSignals>.Instance);
        _access = new AccessSetup(_redis.Connection, TimeProvider.System);
        _history = new MessageHistory(_redis.Connection, Options.Create(new ThreadOptions()), TimeProvider.System);
        _starter = Starter(_redis.Connection);
    }

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

        Schedule().Returns("instance");
        await StartAsync("msg-2");

        Scheduled().Select(input => (input.Address.MessageId, input.HasTurn)).Last().ShouldBe(("msg-2", true));
    }

    [Fact]
    public async Task A_delivery_that_comes_again_before_it_was_acknowledged_is_taken_in_once_and_keeps_its_place()
    {
        Schedule().Returns(_ => "instance", _ => throw new OrchestrationAlreadyExistsException("An orchestration with this id exists."), _ => "instance");

        (await StartAsync("msg-1")).ShouldBeNull();
        (await StartAsync("msg-1")).ShouldBeNull();
        await StartAsync("msg-2");

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
            cancelled.Add(await _stopSignals.IsCancelledAsync("channel", AnswerStarter.InstanceId(new("channel", messageId, 1)), Cancellation));
        }

        cancelled.ShouldBe([false, true, true, false, false]);
    }

    [Fact]
    public async Task A_Redis_that_is_back_in_time_costs_time_alone()
    {
        Schedule().Returns("instance");
        await using var redis = new ReturningRedis(_redis.Prefix);

        (await StartAsync("msg-1", starter: Starter(redis), patience: TimeSpan.FromSeconds(30))).ShouldBeNull();

        Scheduled().ShouldHaveSingleItem().HasTurn.ShouldBeTrue();
    }

    private AnswerStarter Starter(RedisConnection redis)
    {
        var options = Options.Create(new AnsweringOptions());
        var turns = new TurnQueue(redis, _log, options);
        return new AnswerStarter(
            turns,
            new TurnRelease(turns, TimeProvider.System, NullLogger<TurnRelease>.Instance),
            new MessageLimits(redis, AccessSetup.BackendNames, Options.Create(new LimitOptions()), TimeProvider.System),
            TestProfiles.BuiltIn,
            new Cancellation(turns, _log, _stopSignals, NullLogger<Cancellation>.Instance),
            new MessageDirectory(redis),
            _history,
            _access.Groups,
            _updates,
            options,
            TimeProvider.System,
            NullLogger<AnswerStarter>.Instance);
    }

    private Task<string> Schedule() => _client.ScheduleNewOrchestrationInstanceAsync(
        Arg.Any<TaskName>(), Arg.Any<object?>(), Arg.Any<StartOrchestrationOptions?>(), Arg.Any<CancellationToken>());

    private Task<OrchestrationMetadata?> Finding() => _client.GetInstanceAsync(Arg.Any<string>(), Arg.Any<bool>(), Arg.Any<CancellationToken>());

    private static OrchestrationMetadata Instance(OrchestrationRuntimeStatus status) => new(nameof(AnswerMessage), "instance")
    {
        RuntimeStatus = status,
        DataConverter = JsonDataConverter.Default,
        SerializedOutput = JsonDataConverter.Default.Serialize(new AnswerResult("completed", null, 1)),
    };

    private static bool IsSchedule(ICall call) => call.GetMethodInfo().Name == nameof(DurableTaskClient.ScheduleNewOrchestrationInstanceAsync);

    private IEnumerable<AnswerInput> Scheduled() => _client.ReceivedCalls()
        .Where(IsSchedule)
        .Select(call => call.GetArguments()[1])
        .OfType<AnswerInput>();

    private Task<Failure?> StartAsync(string messageId, int attempt = 1, string? replaces = null, string channel = "channel", AnswerStarter? starter = null, TimeSpan patience = default) => (starter ?? _starter).StartAsync(
        new ChatMessage(channel, messageId, "Hello", Caller.Anonymous) { Replaces = replaces },
        [],
        DeliveryProperties.None with { Headers = new Dictionary<string, string> { [DeliveryProperties.AttemptHeader] = $"{attempt}" } },
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
}
