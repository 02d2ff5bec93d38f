using System.Diagnostics;
using Cosmo.Local.Durable;
using DurableTask.Core;
using DurableTask.Core.Entities;
using DurableTask.Core.Query;
using Microsoft.Extensions.Logging;

namespace Cosmo.Functions.Tests.Local.Durable;

/// <summary>A task hub on a database of its own: the store, a worker of DurableTask.Core and a client of it, which can crash and start again.</summary>
internal sealed class TestHub : IAsyncDisposable
{
    /// <summary>For what has to happen; a test that waits longer fails.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cosmo-durable-");
    private readonly Func<TestFunctions> _functions;
    private readonly SqliteDurabilityOptions _options;
    private readonly ILoggerFactory _loggers;
    private readonly bool _withWorker;
    private readonly List<Task> _crashed = [];
    private TaskHubWorker _worker = null!;
    private int _images;

    private TestHub(Func<TestFunctions> functions, TimeProvider time, SqliteDurabilityOptions options, bool withWorker)
    {
        _withWorker = withWorker;
        _functions = functions;
        Time = time;
        DatabasePath = Path.Combine(_folder.FullName, "0", "durable.db");
        _options = options;
        _loggers = LoggerFactory.Create(logging => logging.AddFilter((category, _) => category == "Durable").AddProvider(Logs));
    }

    public string DatabasePath { get; private set; }

    public RecordedLogs Logs { get; } = new();

    public TimeProvider Time { get; }

    public ManualTimeProvider Clock => (ManualTimeProvider)Time;

    public SqliteOrchestrationService Service { get; private set; } = null!;

    public TaskHubClient Client { get; private set; } = null!;

    /// <param name="functions">What it can run.</param>
    /// <param name="time">The clock of durable timers; one that stands still by default. DurableTask.Core itself reads the system's.</param>
    /// <param name="options">Limits; the path is the hub's own.</param>
    /// <param name="withWorker">Whether work is done at all.</param>
    public static Task<TestHub> StartAsync(
        TestFunctions functions, TimeProvider? time = null, SqliteDurabilityOptions? options = null, bool withWorker = true)
        => StartAsync(() => functions, time, options, withWorker);

    /// <inheritdoc cref="StartAsync(TestFunctions, TimeProvider?, SqliteDurabilityOptions?, bool)"/>
    /// <param name="functions">Asked at each start for what it can run.</param>
    public static async Task<TestHub> StartAsync(
        Func<TestFunctions> functions, TimeProvider? time = null, SqliteDurabilityOptions? options = null, bool withWorker = true)
    {
        var hub = new TestHub(
            functions,
            time ?? new ManualTimeProvider { Start = DateTimeOffset.UtcNow },
            options ?? new SqliteDurabilityOptions { DatabasePath = "" },
            withWorker);
        await hub.StartAgainAsync();
        return hub;
    }

    /// <returns>The instance id.</returns>
    public async Task<string> ScheduleAsync(string orchestrator, object? input = null, string? id = null, params OrchestrationStatus[] dedupe)
        => (await Client.CreateOrchestrationInstanceAsync(orchestrator, "", id ?? Guid.NewGuid().ToString("n"), input, new Dictionary<string, string>(), dedupe)).InstanceId;

    /// <summary>Starts an instance and waits for its end.</summary>
    public async Task<OrchestrationState> RunAsync(string orchestrator, object? input = null, string? id = null)
        => await EndAsync(await ScheduleAsync(orchestrator, input, id));

    public async Task<OrchestrationState> EndAsync(string instanceId)
    {
        var state = await Service.WaitForOrchestrationAsync(instanceId, "", Patience, TestContext.Current.CancellationToken);
        return state ?? throw new TimeoutException(
            $"{instanceId} did not end: {Newtonsoft.Json.JsonConvert.SerializeObject(await GetAsync(instanceId))} {await Service.GetOrchestrationHistoryAsync(instanceId, null)}\n{Logs.Text}");
    }

    /// <summary>The output of an instance that has to complete.</summary>
    public async Task<T> OutputAsync<T>(string instanceId)
    {
        var ended = await EndAsync(instanceId);
        ended.OrchestrationStatus.ShouldBe(OrchestrationStatus.Completed, ended.Output);
        return Newtonsoft.Json.JsonConvert.DeserializeObject<T>(ended.Output)!;
    }

    public Task RaiseAsync(string instanceId, string name, object? payload = null)
        => Client.RaiseEventAsync(new OrchestrationInstance { InstanceId = instanceId }, name, payload!);

    public Task TerminateAsync(string instanceId, string reason = "enough")
        => Client.TerminateInstanceAsync(new OrchestrationInstance { InstanceId = instanceId }, reason);

    /// <summary>Has an entity do something, now or at a moment of the system's clock.</summary>
    public Task SignalAsync(EntityId entity, string operation, int input, DateTime? at = null) => Service.SendTaskOrchestrationMessageAsync(
        ClientEntityHelpers.EmitOperationSignal(
            new OrchestrationInstance { InstanceId = entity.ToString() },
            Guid.NewGuid(),
            operation,
            $"{input}",
            at is { } time ? (time, time) : null).AsTaskMessage());

    public async Task<OrchestrationState?> GetAsync(string instanceId) => await Service.GetOrchestrationStateAsync(instanceId, null);

    public async Task<List<OrchestrationState>> FindAsync(OrchestrationQuery query)
        => [.. (await Service.GetOrchestrationWithQueryAsync(query, TestContext.Current.CancellationToken)).OrchestrationState];

    /// <summary>Waits until the store has set its clock, and lets that much time go by.</summary>
    public async Task PassAsync(TimeSpan time)
    {
        await Clock.TimersSetAsync().WaitAsync(Patience);
        Clock.Advance(time);
    }

    /// <summary>
    /// Lets so much time go by again and again until an instance has ended. What DurableTask.Core sets by the system's clock may be due at once on the hub's, so
    /// how often the store sets its clock nobody can say beforehand.
    /// </summary>
    public async Task PassUntilEndAsync(string instanceId, TimeSpan step)
    {
        var ended = EndAsync(instanceId);
        while (await Task.WhenAny(Clock.TimersSetAsync(), ended) != ended)
        {
            Clock.Advance(step);
        }

        await ended;
    }

    /// <summary>Waits until every message has been seen; nothing announces that.</summary>
    public async Task IdleAsync()
    {
        await UntilAsync(() => Task.FromResult(Service.Store.Read(session => session.Find("SELECT EXISTS (SELECT 1 FROM inbox)", row => row.Long(0))) == 0));
    }

    /// <summary>Waits until the state of an instance is such.</summary>
    public async Task<OrchestrationState> UntilAsync(string instanceId, Func<OrchestrationState, bool> isReached)
    {
        OrchestrationState? state = null;
        await UntilAsync(async () => (state = await GetAsync(instanceId)) is not null && isReached(state));
        return state!;
    }

    /// <summary>Waits for something that nothing announces.</summary>
    public async Task UntilAsync(Func<Task<bool>> isReached)
    {
        var watch = Stopwatch.StartNew();
        while (!await isReached())
        {
            watch.Elapsed.ShouldBeLessThan(Patience, Logs.Text);
            await Task.Delay(2, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>
    /// Leaves the store as a killed process would: another starts on what the files held at one moment between two commits. The one that was left goes on
    /// for a moment on files that nobody reads any more.
    /// </summary>
    public async Task CrashAndRestartAsync()
    {
        var (service, worker) = (Service, _worker);
        DatabasePath = await ImageAsync();
        await StartAgainAsync();
        _crashed.Add(CloseAsync(service, worker));
    }

    /// <summary>What the disk holds at one moment, as a copy.</summary>
    /// <returns>The path of the copy.</returns>
    public Task<string> ImageAsync() => Service.Store.CommitAsync((_, _) =>
    {
        var image = Directory.CreateDirectory(Path.Combine(_folder.FullName, $"{Interlocked.Increment(ref _images)}"));
        foreach (var file in (string[])["durable.db", "durable.db-wal"])
        {
            File.Copy(Path.Combine(Path.GetDirectoryName(DatabasePath)!, file), Path.Combine(image.FullName, file));
        }

        return Path.Combine(image.FullName, "durable.db");
    });

    public Task StopAsync() => CloseAsync(Service, _worker);

    public async Task StartAgainAsync()
    {
        Service = new SqliteOrchestrationService(_options with { DatabasePath = DatabasePath }, Time, _loggers.CreateLogger("Durable"));
        _worker = new TaskHubWorker(Service, _loggers) { ErrorPropagationMode = ErrorPropagationMode.UseFailureDetails };
        _functions().AddTo(_worker);
        Client = new TaskHubClient(Service);
        if (_withWorker)
        {
            await _worker.StartAsync();
        }
    }

    /// <summary>All that is in the database, for a test that fails.</summary>
    public async Task<string> DumpAsync()
    {
        var states = await FindAsync(new OrchestrationQuery { PageSize = 1000, FetchInputsAndOutputs = true });
        var text = new List<string> { Logs.Text };
        foreach (var state in states)
        {
            var id = state.OrchestrationInstance.InstanceId;
            text.Add($"{id} {state.OrchestrationInstance.ExecutionId} {state.OrchestrationStatus} {state.Input} {await Service.GetOrchestrationHistoryAsync(id, null)}");
        }

        text.AddRange(Service.Store.Read(session => session.Query("SELECT id || ' inbox ' || event FROM inbox UNION ALL SELECT id || ' timers ' || event FROM timers UNION ALL SELECT instance_id || ' activities ' || event FROM activities", row => row.String(0))));
        return string.Join('\n', text);
    }

    /// <summary>How many rows of work are left.</summary>
    public long CountOfWork() => Service.Store.Read(session => session.Find(
        "SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM timers) + (SELECT count(*) FROM activities)", row => row.Long(0)));

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await Task.WhenAll(_crashed);
        _loggers.Dispose();
        _folder.Delete(recursive: true);
    }

    private static async Task CloseAsync(SqliteOrchestrationService service, TaskHubWorker worker)
    {
        await worker.StopAsync(isForced: true);
        await service.DisposeAsync();
    }
}
