using Cosmo.Local.Runtime.Durable;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cosmo.Functions.Tests.Local.Durable;

/// <summary>An engine on a database of its own, which can crash and start again.</summary>
internal sealed class TestEngine : IAsyncDisposable
{
    /// <summary>For what has to happen; a test that waits longer fails.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cosmo-durable-");
    private readonly DurableEngineOptions _options;
    private DurableEngine _engine;

    private TestEngine(TestFunctions functions, ManualTimeProvider time, DurableEngineOptions options)
    {
        Functions = functions;
        Time = time;
        _options = options with { DatabasePath = DatabasePath };
        _engine = Create();
        Client = new LocalDurableTaskClient(_engine);
    }

    public string DatabasePath => Path.Combine(_folder.FullName, "durable.db");

    public TestFunctions Functions { get; }

    public ManualTimeProvider Time { get; }

    public DurableTaskClient Client { get; private set; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <param name="functions">What it can run.</param>
    /// <param name="cached">Orchestrations kept in memory; with 0 every step is a replay.</param>
    /// <param name="activities">Activities at once.</param>
    public static async Task<TestEngine> StartAsync(TestFunctions functions, int cached = 1000, int activities = 50)
    {
        var options = new DurableEngineOptions { DatabasePath = "", MaxCachedOrchestrations = cached, MaxConcurrentActivities = activities };
        var engine = new TestEngine(functions, new ManualTimeProvider(), options);
        await engine._engine.StartAsync(Cancellation);
        return engine;
    }

    public Task<string> ScheduleAsync(string orchestrator, object? input = null, StartOrchestrationOptions? options = null)
        => Client.ScheduleNewOrchestrationInstanceAsync(orchestrator, input, options, Cancellation);

    /// <summary>Starts an instance and waits for its end.</summary>
    public async Task<OrchestrationMetadata> RunAsync(string orchestrator, object? input = null)
        => await EndAsync(await ScheduleAsync(orchestrator, input));

    public Task<OrchestrationMetadata> EndAsync(string instanceId)
        => Client.WaitForInstanceCompletionAsync(instanceId, true, Cancellation).WaitAsync(Patience, Cancellation);

    /// <summary>The output of an instance that has to complete.</summary>
    public async Task<T?> OutputAsync<T>(string instanceId)
    {
        var ended = await EndAsync(instanceId);
        ended.RuntimeStatus.ShouldBe(OrchestrationRuntimeStatus.Completed, ended.FailureDetails?.ErrorMessage);
        return ended.ReadOutputAs<T>();
    }

    public Task RaiseAsync(string instanceId, string name, object? payload = null)
        => Client.RaiseEventAsync(instanceId, name, payload, Cancellation);

    public Task<OrchestrationMetadata?> GetAsync(string instanceId) => Client.GetInstanceAsync(instanceId, true, Cancellation);

    /// <summary>Waits until the engine has set its clock for that long from now.</summary>
    public Task TimerSetForAsync(TimeSpan due) => Time.TimerSetForAsync(due).WaitAsync(Patience, Cancellation);

    /// <inheritdoc cref="TimerSetForAsync"/>
    public async Task AdvanceToTimerAsync(TimeSpan due)
    {
        await TimerSetForAsync(due);
        Time.Advance(due);
    }

    /// <summary>Ends the engine as a killed process would, and starts another on the same database.</summary>
    public async Task CrashAndRestartAsync()
    {
        await _engine.DisposeAsync();
        await StartAgainAsync();
    }

    public Task StopAsync() => _engine.StopAsync(Cancellation);

    public async Task StartAgainAsync()
    {
        _engine = Create();
        Client = new LocalDurableTaskClient(_engine);
        await _engine.StartAsync(Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private DurableEngine Create() => new(Functions, _options, Time, NullLoggerFactory.Instance);
}
