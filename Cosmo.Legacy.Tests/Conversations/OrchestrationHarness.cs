using System.Collections.Concurrent;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Conversations;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Receiving;
using Cosmo.Functions.Tools;
using Cosmo.Local.Runtime.Durable;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cosmo.Functions.Tests.Conversations;

/// <summary>
/// Runs the conversation's orchestrator on the durable engine with a clock that stands still and activities that a test gives. Every step is replayed
/// from history, as in Azure.
/// </summary>
internal sealed class OrchestrationHarness : IDurableFunctions, IAsyncDisposable
{
    public const string InstanceId = "conversation-under-test";

    private readonly string _folder = Directory.CreateTempSubdirectory("cosmo-orchestration-").FullName;
    private readonly DurableEngine _engine;
    private readonly ConcurrentDictionary<string, Func<object, Task<object?>>> _activities = new();
    private readonly ConcurrentQueue<(string Name, object Input)> _calls = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _called = new();

    private readonly List<(string Activity, int Count, TaskCompletionSource Called)> _awaited = [];
    private readonly TaskCompletionSource<object?> _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private OrchestrationHarness(TimeSpan skipUpTo)
    {
        Clock = new ManualTimeProvider { SkipUpTo = skipUpTo };
        _engine = new DurableEngine(
            this, new DurableEngineOptions { DatabasePath = Path.Combine(_folder, "engine.db"), MaxCachedOrchestrations = 0 }, Clock, NullLoggerFactory.Instance);
        Client = new LocalDurableTaskClient(_engine);
        On<ThreadInput>(nameof(GetOrCreateThread), _ => new ThreadResult("conv_1", Duplicate: false, null));
        On<RunInput>(nameof(RunAssistant), _ => new RunResult("resp_1", [], null));
        On<ToolInput>(nameof(ExecuteTool), input => $"output of {input.Call.Name}");
        On<TurnInput>(nameof(CheckTurn), _ => new TurnResult(true, null));
        On<FinishInput>(nameof(FinishConversation), _ => null);
        On<StopInput>(nameof(StopWork), _ =>
        {
            _stopped.TrySetResult(new RunResult(null, [], Failure.Stopped));
            return null;
        });
        On<FailInput>(nameof(FailConversation), _ => null);
        On<DeadLetterInput>(nameof(WriteDeadLetter), _ => null);
    }

    public ManualTimeProvider Clock { get; }

    public DurableTaskClient Client { get; }

    /// <summary>The activities that were called, in order.</summary>
    public IReadOnlyList<string> Calls => [.. _calls.Select(call => call.Name)];

    /// <param name="skipUpTo">Timers of up to this length are due at once.</param>
    public static async Task<OrchestrationHarness> StartAsync(TimeSpan skipUpTo = default)
    {
        var harness = new OrchestrationHarness(skipUpTo);
        await harness._engine.StartAsync(TestContext.Current.CancellationToken);
        return harness;
    }

    /// <summary>Says what an activity does.</summary>
    public void On<TInput>(string activity, Func<TInput, object?> answer) => OnAsync<TInput>(activity, input => Task.FromResult(answer(input)));

    /// <inheritdoc cref="On{TInput}" />
    public void OnAsync<TInput>(string activity, Func<TInput, Task<object?>> answer) => _activities[activity] = input => answer((TInput)input);

    /// <summary>Waits for the first call of an activity.</summary>
    public Task CalledAsync(string activity) => Called(activity).Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

    /// <summary>The inputs of an activity's calls, in order.</summary>
    public IReadOnlyList<TInput> Inputs<TInput>(string activity) => [.. _calls.Where(call => call.Name == activity).Select(call => (TInput)call.Input)];

    public Task BeginAsync(bool hasTurn = true) => Client.ScheduleNewOrchestrationInstanceAsync(
        nameof(Conversation),
        new ConversationInput(
            new MessageAddress("channel", "msg-1", 1), "Weather in Makati?", Caller.Anonymous, "{}"u8.ToArray(), DeliveryProperties.None, "run", hasTurn, Clock.GetUtcNow(),
            new ConversationOptions().Deadlines, MaxToolRounds: 8, null),
        new StartOrchestrationOptions(InstanceId));

    /// <summary>Completes when an activity has been called so often.</summary>
    public Task CalledAsync(string activity, int count = 1)
    {
        var called = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_awaited)
        {
            _awaited.Add((activity, count, called));
        }

        TellAwaited();
        return called.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
    }

    /// <summary>Waits for the orchestration's end and returns its result.</summary>
    public async Task<ConversationResult> EndAsync()
    {
        var ended = await Client.WaitForInstanceCompletionAsync(InstanceId, getInputsAndOutputs: true, TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        ended.RuntimeStatus.ShouldBe(OrchestrationRuntimeStatus.Completed, ended.FailureDetails?.ToString());
        return ended.ReadOutputAs<ConversationResult>()!;
    }

    /// <summary>The end of an activity that goes on until it is told to stop.</summary>
    public Task<object?> UntilStopped() => _stopped.Task;

    public static IReadOnlyList<ToolCall> Calling(params string[] names) => [.. names.Select((name, i) => new ToolCall($"call_{name}_{i}", name, "{}"))];

    public bool HasOrchestrator(string name) => name == nameof(Conversation);

    public bool HasActivity(string name) => _activities.ContainsKey(name);

    public async Task<object?> RunOrchestratorAsync(string name, TaskOrchestrationContext context) => await Conversation.RunAsync(context);

    public Task<object?> RunActivityAsync(string name, string instanceId, Func<Type, object?> readInput, CancellationToken cancellation)
    {
        var input = readInput(InputType(name))!;
        _calls.Enqueue((name, input));
        TellAwaited();
        Called(name).TrySetResult();
        return _activities[name](input);
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private TaskCompletionSource Called(string activity)
        => _called.GetOrAdd(activity, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

    private void TellAwaited()
    {
        lock (_awaited)
        {
            foreach (var (activity, count, called) in _awaited)
            {
                if (Calls.Count(call => call == activity) >= count)
                {
                    called.TrySetResult();
                }
            }
        }
    }

    private static Type InputType(string activity) => activity switch
    {
        nameof(GetOrCreateThread) => typeof(ThreadInput),
        nameof(RunAssistant) => typeof(RunInput),
        nameof(ExecuteTool) => typeof(ToolInput),
        nameof(CheckTurn) => typeof(TurnInput),
        nameof(FinishConversation) => typeof(FinishInput),
        nameof(StopWork) => typeof(StopInput),
        nameof(FailConversation) => typeof(FailInput),
        _ => typeof(DeadLetterInput),
    };
}
