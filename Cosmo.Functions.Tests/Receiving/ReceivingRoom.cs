using Cosmo.Functions.Access;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Approvals;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Receiving;
using Cosmo.Functions.Receiving.AgUi;
using Cosmo.Functions.Tests.Access;
using Cosmo.Functions.Tests.Assistants;
using Cosmo.Functions.Tests.Delivery;
using Cosmo.Functions.Threads;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;

namespace Cosmo.Functions.Tests.Receiving;

/// <summary>What takes messages in, on the real Redis and RabbitMQ, with a Durable store that only remembers what was started.</summary>
internal sealed class ReceivingRoom : IAsyncDisposable
{
    private readonly TestRedis _redis = new();
    private readonly RabbitMQPublisher _rabbitMQ;
    private readonly StopSignals _stopSignals;
    private readonly AccessSetup _setup;
    private readonly AnswerStarter _starter;

    private ReceivingRoom(CosmoQueue queue, TimeProvider clock, double firstEventSeconds)
    {
        Queue = queue;
        _setup = new AccessSetup(_redis.Connection, TimeProvider.System);
        var options = queue.OptionsAt();
        Messaging = options.Value;
        _rabbitMQ = new RabbitMQPublisher(options, TimeProvider.System);
        Topology = new Topology(_rabbitMQ, options, TimeProvider.System, NullLogger<Topology>.Instance);
        _stopSignals = new StopSignals(_redis.Connection, NullLogger<StopSignals>.Instance);
        var answering = Options.Create(new AnsweringOptions { FirstEventSeconds = firstEventSeconds });
        Memory = new MessageMemory(_redis.Connection, TimeProvider.System, NullLogger<MessageMemory>.Instance);
        DeadLetters = new DeadLetters(_rabbitMQ, options, TimeProvider.System, NullLogger<DeadLetters>.Instance);
        Log = new UpdateLog(_redis.Connection, Options.Create(new DeliveryOptions()), TimeProvider.System);
        var turns = Turns = new TurnQueue(_redis.Connection, Log, answering);
        var cancellation = new Cancellation(turns, Log, _stopSignals, NullLogger<Cancellation>.Instance);
        var reader = new ChatMessageReader(options);
        var messageLimits = new MessageLimits(_redis.Connection, AccessSetup.BackendNames, Options.Create(Limits), TimeProvider.System);
        var starter = _starter = new AnswerStarter(
            turns,
            new TurnRelease(turns, TimeProvider.System, NullLogger<TurnRelease>.Instance),
            messageLimits,
            TestProfiles.BuiltIn,
            cancellation,
            new MessageDirectory(_redis.Connection),
            new MessageHistory(_redis.Connection, Options.Create(new ThreadOptions()), TimeProvider.System),
            _setup.Groups,
            Updates,
            answering,
            clock,
            NullLogger<AnswerStarter>.Instance);
        Receiver = new MessageReceiver(
            reader, starter, DeadLetters, _rabbitMQ, options, Updates, answering, clock, NullLogger<MessageReceiver>.Instance);
        ClientEvents = new ClientEvents(
            reader, new MessagePublisher(_rabbitMQ, options), starter, cancellation, Desk = new ApprovalDesk(_redis.Connection, turns, Log, NullLogger<ApprovalDesk>.Instance), _setup.Channels, _setup.Proof,
            new RequestLimits(_redis.Connection, AccessSetup.BackendNames, Options.Create(Limits), TimeProvider.System, NullLogger<RequestLimits>.Instance),
            messageLimits, turns, Options.Create(Access), options, TimeProvider.System, NullLogger<ClientEvents>.Instance);
        Client.ScheduleNewOrchestrationInstanceAsync(
            Arg.Any<TaskName>(), Arg.Any<object?>(), Arg.Any<StartOrchestrationOptions?>(), Arg.Any<CancellationToken>()).Returns("instance");
    }

    public CosmoQueue Queue { get; }

    public AccessOptions Access => _setup.Options;

    public LimitOptions Limits { get; } = new();

    public MessagingOptions Messaging { get; }

    public ChannelOwners Owners => _setup.Owners;

    public ApprovalDesk Desk { get; }

    public Topology Topology { get; }

    public UpdateLog Log { get; }

    public RedisConnection Redis => _redis.Connection;

    public MessageMemory Memory { get; }

    public TurnQueue Turns { get; }

    public DeadLetters DeadLetters { get; }

    public RecordingPublisher Updates { get; } = new();

    public DurableTaskClient Client { get; } = Substitute.For<DurableTaskClient>("test");

    public MessageReceiver Receiver { get; }

    public ClientEvents ClientEvents { get; }

    /// <summary>The inputs of the answers that were started.</summary>
    public IReadOnlyList<AnswerInput> Started =>
        [.. Client.ReceivedCalls().SelectMany(call => call.GetArguments().OfType<AnswerInput>())];

    /// <param name="clock">By which deliveries are held back; the system's if none is given.</param>
    /// <param name="firstEventSeconds">The deadline of the first event, two thirds of which they are held back for.</param>
    public static async Task<ReceivingRoom> OpenAsync(TimeProvider? clock = null, double firstEventSeconds = 3)
    {
        var room = new ReceivingRoom(await CosmoQueue.ConnectAsync(), clock ?? TimeProvider.System, firstEventSeconds);
        await room.Topology.DeclareAsync(TestContext.Current.CancellationToken);
        return room;
    }

    /// <summary>The agent for AG-UI clients.</summary>
    /// <param name="messages">How its messages are queued.</param>
    public RunAgent AgentWith(MessagePublisher messages)
    {
        var (options, aliases) = (Queue.OptionsAt(), new RunAliases(_redis.Connection, TimeProvider.System));
        var stream = new RunStream(
            Log, Desk, aliases, _setup.Channels, Options.Create(new AnsweringOptions()), Substitute.For<IHostApplicationLifetime>(), TimeProvider.System, NullLogger<RunStream>.Instance);
        return new RunAgent(
            new ChatMessageReader(options), messages, _starter, new MessageLimits(_redis.Connection, AccessSetup.BackendNames, Options.Create(Limits), TimeProvider.System), Turns, Desk, Log, aliases,
            stream, _setup.Channels, _setup.Groups, Options.Create(Access), options, TimeProvider.System, NullLogger<RunAgent>.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        _setup.Dispose();
        _stopSignals.Dispose();
        Topology.Dispose();
        await _rabbitMQ.DisposeAsync();
        await Queue.DisposeAsync();
        await _redis.DisposeAsync();
    }
}
