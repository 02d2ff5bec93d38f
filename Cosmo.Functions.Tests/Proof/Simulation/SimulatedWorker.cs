using Cosmo.Functions.Access;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.Approvals;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Access;
using Cosmo.Functions.Tests.Assistants;
using Cosmo.Functions.Threads;
using Cosmo.Functions.Threads.Index;
using Cosmo.Functions.Tools;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Proof.Simulation;

/// <summary>
/// One process of the app: the real trigger's work, activities and services, over the simulated Redis, Durable store and Web PubSub, with a model that is made up. What is the
/// product's is made as the app makes it.
/// </summary>
internal sealed class SimulatedWorker
{
    private static readonly IOptions<DeliveryOptions> Delivery = Options.Create(new DeliveryOptions());
    private static readonly IOptions<ThreadOptions> Threads = Options.Create(new ThreadOptions());
    private static readonly IOptions<ToolOptions> Tools = Options.Create(new ToolOptions());
    private static readonly IOptions<LimitOptions> Limits = Options.Create(new LimitOptions());
    private static readonly AccessSetup Access = new(new RedisConnection(Options.Create(new RedisOptions { Url = "redis://nowhere" })), TimeProvider.System);
    private static readonly Dictionary<string, IOptions<AnsweringOptions>> Answering = new[] { AnsweringOptions.Enqueue, AnsweringOptions.Merge, AnsweringOptions.Interrupt, AnsweringOptions.Reject }
        .ToDictionary(busy => busy, busy => Options.Create(new AnsweringOptions { WhenBusy = busy }));

    /// <summary>Of a browser: no owner of the channel follows from it.</summary>
    private static readonly DeliveryProperties Properties = DeliveryProperties.None with
    {
        Headers = new Dictionary<string, string> { [DeliveryProperties.OriginHeader] = DeliveryProperties.ClientOrigin },
    };

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly NoContext Context = new();

    private readonly Schedule _schedule;
    private readonly int _number;
    private readonly DurableTaskClient _client;
    private readonly AnswerStarter _starter;
    private readonly Cancellation _cancellation;
    private readonly CheckTurn _checkTurn;
    private readonly RunAssistant _runAssistant;
    private readonly ExecuteTool _executeTool;
    private readonly StopWork _stopWork;
    private readonly FailAnswer _failAnswer;
    private readonly EndMerged _endMerged;
    private readonly ApprovalDesk _desk;
    private readonly AskApproval _askApproval;
    private readonly CheckApproval _checkApproval;
    private readonly EndApproval _endApproval;
    private readonly EndAbandonedAnswers _endAbandoned;
    private readonly SimulatedClock _lastingClock;
    private readonly Func<bool> _isSocketBusy;
    private readonly List<PlannedMessage> _inHand = [];
    private readonly List<TaskCompletionSource<object?>> _running = [];

    public SimulatedWorker(Schedule schedule, SimulatedStore store, IOptions<RedisOptions> redisOptions, int number)
    {
        (_schedule, Store, _number) = (schedule, store, number);
        Clock = new SimulatedClock(schedule.Time);
        var redis = Redis = new SimulatedRedisConnection(schedule, redisOptions);
        _client = SimulatedStore.Connect(this);
        var answering = Answering[schedule.Plan.WhenBusy];
        var webPubSub = new SimulatedWebPubSub(schedule, this);
        var assistant = new SimulatedAssistant(schedule, this);
        var log = new UpdateLog(redis, Delivery, Clock);
        _lastingClock = new SimulatedClock(schedule.Time, isLasting: true);
        var connection = new SimulatedPublisherConnection(schedule, this, webPubSub, _lastingClock);
        _isSocketBusy = () => connection.IsWaiting;
        var updates = new UpdatePublisher(
            log, connection, webPubSub,
            new DeltaListeners(redis, webPubSub, Clock, NullLogger<DeltaListeners>.Instance), Delivery, Clock, NullLogger<UpdatePublisher>.Instance);
        var turns = new TurnQueue(redis, log, answering);
        var turn = new TurnRelease(turns, Clock, NullLogger<TurnRelease>.Instance);
        var memory = new MessageMemory(redis, Clock, NullLogger<MessageMemory>.Instance);
        var history = new MessageHistory(redis, Threads, Clock);
        var stopSignals = new StopSignals(redis, NullLogger<StopSignals>.Instance);
        var ends = new MergedEnds(turns, updates, NullLogger<MergedEnds>.Instance);
        var threads = new ThreadStore(redis, new ThreadIndex(redis, Clock), Access.Owners, Threads, Clock, NullLogger<ThreadStore>.Instance);
        var toolbox = new Toolbox(schedule.Plan.HasApprovals ? [new SimulatedTool()] : [], Tools, Clock, NullLogger<Toolbox>.Instance);
        _cancellation = new Cancellation(turns, log, stopSignals, NullLogger<Cancellation>.Instance);
        _starter = new AnswerStarter(
            turns, turn, new MessageLimits(redis, AccessSetup.BackendNames, Limits, Clock), TestProfiles.BuiltIn, _cancellation, new MessageDirectory(redis), history, Access.Groups, updates,
            answering, Clock, NullLogger<AnswerStarter>.Instance);
        _checkTurn = new CheckTurn(turns, stopSignals, log, answering, Clock, NullLogger<CheckTurn>.Instance);
        _runAssistant = new RunAssistant(
            new AnswerOpening(
                turns, threads, assistant, updates, ends, new Replacement(assistant, history, NullLogger<Replacement>.Instance), answering, Clock, NullLogger<AnswerOpening>.Instance),
            assistant, toolbox, updates, memory, history, new UsageLedger(redis, AccessSetup.BackendNames, Limits, Clock), log, turns, ends, stopSignals, turn,
            new AnswerCapacity(AnswerCapacity.Most), Delivery, Clock, NullLogger<RunAssistant>.Instance);
        _executeTool = new ExecuteTool(toolbox, TestProfiles.BuiltIn, updates, memory, stopSignals, Clock, NullLogger<ExecuteTool>.Instance);
        _stopWork = new StopWork(stopSignals);
        _failAnswer = new FailAnswer(
            updates, log, assistant, new ThreadReader(redis), TestProfiles.BuiltIn, memory, history, turns, ends, turn, Clock, NullLogger<FailAnswer>.Instance);
        _endMerged = new EndMerged(turns, log, ends);
        _desk = new ApprovalDesk(redis, turns, log, NullLogger<ApprovalDesk>.Instance);
        _askApproval = new AskApproval(_desk, turns, updates);
        _checkApproval = new CheckApproval(_desk, turns);
        _endApproval = new EndApproval(_desk, turns, updates);
        _endAbandoned = new EndAbandonedAnswers(turns, turn, updates, stopSignals, Clock, NullLogger<EndAbandonedAnswers>.Instance);
        if (schedule.Plan.HasSockets)
        {
            schedule.Add(this, Delay.Send, null, connection.Begin);
        }
    }

    public SimulatedClock Clock { get; }

    public SimulatedRedisConnection Redis { get; }

    public SimulatedStore Store { get; }

    /// <summary>Its WebSocket has something to do.</summary>
    public bool HasBusySocket => _isSocketBusy();

    /// <summary>A message comes to it.</summary>
    public void Deliver(PlannedMessage message)
    {
        _inHand.Add(message);
        _ = DeliverAsync(message);
    }

    /// <summary>Somebody asks it to cancel a message.</summary>
    public void Cancel(PlannedMessage message)
    {
        _schedule.Tell($"{message.Id} is to be cancelled, says {this}");
        _ = CancelAsync(message);
    }

    /// <summary>Somebody decides on a call.</summary>
    public void Decide(string channel, string messageId, string callId, bool isApproved) => _ = DecideAsync(channel, messageId, callId, isApproved);

    /// <summary>A timer has it give an end to what was abandoned.</summary>
    public void EndAbandoned() => _ = EndAbandonedAsync();

    /// <summary>It is given an activity.</summary>
    public void Run(string name, object input, TaskCompletionSource<object?> ended)
    {
        if (input is ApprovalInput { Address: var address })
        {
            _schedule.Promises.AwaitPerson(address.Channel, address.MessageId);
        }

        _schedule.Tell($"{name} begins in {this}");
        _running.Add(ended);
        _ = RunAsync(name, input, ended);
    }

    /// <summary>What it had in hand is delivered again, and the store fails what it was at.</summary>
    public void Die()
    {
        _lastingClock.IsDead = true;
        foreach (var message in _inHand)
        {
            _schedule.Add(null, Delay.Store, null, () => _schedule.Deliver(message));
        }

        foreach (var ended in _running)
        {
            _schedule.Add(null, Delay.Store, null, () => ended.TrySetException(new WorkerDiedException()));
        }
    }

    /// <summary>Asks something of the store.</summary>
    public Task<T> AskAsync<T>(Func<T> ask, CancellationToken cancellationToken)
    {
        var answered = new TaskCompletionSource<T>();
        var (answer, failure) = (default(T), default(Exception));
        _schedule.Add(
            this,
            Delay.Store,
            () =>
            {
                try
                {
                    answer = ask();
                }
                catch (DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException e)
                {
                    failure = e;
                }
            },
            () => _ = failure is null ? answered.TrySetResult(answer!) : answered.TrySetException(failure));
        return answered.Task.WaitAsync(cancellationToken);
    }

    public override string ToString() => $"worker {_number}";

    private async Task DeliverAsync(PlannedMessage message)
    {
        try
        {
            var refused = await _starter.StartAsync(
                new ChatMessage(message.Channel, message.Id, message.Question, Caller.TrustedProducer) { Replaces = message.Replaces }, [], Properties, _client, Patience, CancellationToken.None);
            _inHand.Remove(message);
            _schedule.Promises.Delivered(message, refused?.Cause);
        }
        catch (Exception e)
        {
            _schedule.Promises.Break($"The start of {message.Id} threw: {e}");
        }
    }

    private async Task CancelAsync(PlannedMessage message)
    {
        try
        {
            var outcome = await _cancellation.CancelAsync(message.Channel, message.Id, _client, CancellationToken.None);
            _schedule.Tell($"to cancel {message.Id} gave {outcome}");
        }
        catch (StackExchange.Redis.RedisException) when (_schedule.Plan.LosesRedis)
        {
            _schedule.Tell($"to cancel {message.Id} failed, without Redis");
        }
        catch (Exception e)
        {
            _schedule.Promises.Break($"To cancel {message.Id} threw: {e}");
        }
    }

    private async Task EndAbandonedAsync()
    {
        try
        {
            await _endAbandoned.RunAsync(new TimerInfo(), _client, Context);
        }
        catch (Exception e)
        {
            _schedule.Promises.Break($"To end what was abandoned threw: {e}");
        }
    }

    private async Task DecideAsync(string channel, string messageId, string callId, bool isApproved)
    {
        try
        {
            _schedule.Promises.Decide(this, callId, isApproved);
            if (await _desk.DecideAsync(channel, messageId, callId, new ApprovalDecision(isApproved, null, "somebody"), _client, CancellationToken.None) == ApprovalOutcome.Taken)
            {
                _schedule.Promises.Count(callId, isApproved);
            }
        }
        catch (StackExchange.Redis.RedisException) when (_schedule.Plan.LosesRedis)
        {
            _schedule.Tell($"to decide on {callId} failed, without Redis");
        }
        catch (Exception e)
        {
            _schedule.Promises.Break($"To decide on {callId} threw: {e}");
        }
    }

    private async Task RunAsync(string name, object input, TaskCompletionSource<object?> ended)
    {
        var end = input is RunInput { Address: var address } ? _schedule.Promises.Begin(this, address.Channel, address.MessageId) : null;
        try
        {
            object? result = name switch
            {
                nameof(CheckTurn) => await _checkTurn.RunAsync((TurnInput)input, _client, Context),
                nameof(RunAssistant) => await _runAssistant.RunAsync((RunInput)input, _client, Context),
                nameof(ExecuteTool) => await _executeTool.RunAsync((ToolInput)input, Context),
                nameof(FailAnswer) => await _failAnswer.RunAsync((FailInput)input, _client, Context),
                nameof(EndMerged) => await _endMerged.RunAsync((EndMergedInput)input, Context),
                nameof(StopWork) => await NothingAsync(_stopWork.RunAsync((StopInput)input, Context)),
                nameof(AskApproval) => await NothingAsync(_askApproval.RunAsync((ApprovalInput)input, Context)),
                nameof(CheckApproval) => await _checkApproval.RunAsync((ApprovalInput)input, Context),
                nameof(EndApproval) => await _endApproval.RunAsync((ApprovalInput)input, Context),
                nameof(WriteDeadLetter) => Keep((DeadLetterInput)input),
                _ => throw new NotSupportedException(name),
            };
            end?.Invoke();
            _schedule.Add(this, Delay.Store, null, () => Tell(name, ended, result));
        }
        catch (StackExchange.Redis.RedisException) when (_schedule.Plan.LosesRedis)
        {
            _schedule.Tell($"{name} failed in {this}, without Redis");
            _schedule.Add(this, Delay.Store, null, () => Fail(ended));
        }
        catch (Exception e)
        {
            _schedule.Promises.Break($"{name} threw: {e}");
        }
    }

    private void Tell(string name, TaskCompletionSource<object?> ended, object? result)
    {
        _schedule.Tell($"{name} ended in {this}: {result}");
        _running.Remove(ended);
        ended.TrySetResult(result);
    }

    private void Fail(TaskCompletionSource<object?> ended)
    {
        _running.Remove(ended);
        ended.TrySetException(new WorkerDiedException());
    }

    private static async Task<object?> NothingAsync(Task activity)
    {
        await activity;
        return null;
    }

    private object? Keep(DeadLetterInput input)
    {
        _schedule.Promises.Keep(input.Address.Channel, input.Address.MessageId, input.Failure.Cause);
        return null;
    }

    /// <summary>An invocation that nobody stops.</summary>
    private sealed class NoContext : FunctionContext
    {
        public override string InvocationId => throw new NotSupportedException();

        public override string FunctionId => throw new NotSupportedException();

        public override TraceContext TraceContext => throw new NotSupportedException();

        public override BindingContext BindingContext => throw new NotSupportedException();

        public override RetryContext RetryContext => throw new NotSupportedException();

        public override IServiceProvider InstanceServices
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override FunctionDefinition FunctionDefinition => throw new NotSupportedException();

        public override IDictionary<object, object> Items
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override IInvocationFeatures Features => throw new NotSupportedException();

        public override CancellationToken CancellationToken => CancellationToken.None;
    }
}
