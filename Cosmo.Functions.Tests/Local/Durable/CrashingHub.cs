using Cosmo.Local.Durable;
using Cosmo.Local.Durable.Storage;
using DurableTask.Core;
using DurableTask.Core.Exceptions;

namespace Cosmo.Functions.Tests.Local.Durable;

/// <summary>A hub in this process that leaves its store, as a killed process would, whenever its work has come so and so far.</summary>
internal sealed class CrashingHub : IPlanHost, IAsyncDisposable
{
    private readonly SemaphoreSlim _oneAtATime = new(1);
    private readonly Queue<int> _crashes;
    private readonly Lock _lock = new();
    private TestHub _hub = null!;
    private CancellationTokenSource _alive = new();
    private Task _crash = Task.CompletedTask;
    private int _reached;

    private CrashingHub(int[] crashes) => _crashes = new Queue<int>(crashes);

    public Action<Wish>? Wished { get; set; }

    /// <param name="crashes">How many steps and activities begin until the first crash, from there to the second, and so on.</param>
    /// <param name="liveHistoryLength">Characters of histories that stay in memory.</param>
    public static async Task<CrashingHub> StartAsync(int[] crashes, int liveHistoryLength)
    {
        var host = new CrashingHub(crashes);
        host._hub = await TestHub.StartAsync(
            host.CreateFunctions, TimeProvider.System, new SqliteDurabilityOptions { DatabasePath = "", LiveHistoryLength = liveHistoryLength });
        return host;
    }

    public Task StartAsync(string id, Plan plan) => OnceAsync(async hub =>
    {
        try
        {
            await hub.ScheduleAsync(PlanFunctions.Name, plan, id);
        }
        catch (OrchestrationAlreadyExistsException)
        {
        }
    });

    public Task RaiseAsync(string id, string name, int payload) => OnceAsync(hub => hub.RaiseAsync(id, name, payload));

    public Task SuspendAsync(string id) => OnceAsync(hub => hub.Client.SuspendInstanceAsync(new OrchestrationInstance { InstanceId = id }));

    public Task ResumeAsync(string id) => OnceAsync(hub => hub.Client.ResumeInstanceAsync(new OrchestrationInstance { InstanceId = id }));

    public Task TerminateAsync(string id) => OnceAsync(hub => hub.TerminateAsync(id, "the end"));

    public async Task<PlanEnd> EndAsync(string id)
    {
        while (true)
        {
            var service = _hub.Service;
            try
            {
                await service.WaitForOrchestrationAsync(id, "", TestHub.Patience, _alive.Token);
            }
            catch (Exception error) when ((error is OperationCanceledException or DurableStoreException) && service != _hub.Service)
            {
                continue;
            }

            // It counts if the store that has it is the one that lives on.
            PlanEnd? end = null;
            await OnceAsync(async hub => end = await hub.GetAsync(id) is { } state && Instances.Ended.Contains(state.OrchestrationStatus)
                ? new PlanEnd(state.OrchestrationStatus, state.Output)
                : null);
            if (end is not null)
            {
                return end;
            }

            service.ShouldNotBeSameAs(_hub.Service, $"{id} did not end: {await _hub.DumpAsync()}");
        }
    }

    /// <summary>When everything has ended, no work is left over: no message, no timer, no activity.</summary>
    public async Task NothingIsLeftAsync()
    {
        await _crash;
        await _hub.UntilAsync(() => Task.FromResult(_hub.CountOfWork() == 0));
    }

    public async ValueTask DisposeAsync()
    {
        await _crash;
        await _hub.DisposeAsync();
        _oneAtATime.Dispose();
        _alive.Dispose();
    }

    // Who is told that something is done must find it in the store that lives on. So nothing is asked for during a crash.
    private async Task OnceAsync(Func<TestHub, Task> action)
    {
        await _oneAtATime.WaitAsync(TestHub.Patience);
        try
        {
            await action(_hub);
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    // What a store that was left still does is nobody's business.
    private TestFunctions CreateFunctions()
    {
        var alive = _alive.Token;
        return PlanFunctions.Create(
            wish =>
            {
                if (!alive.IsCancellationRequested)
                {
                    Wished!(wish);
                }
            },
            () => ReachAsync(alive));
    }

    private Task ReachAsync(CancellationToken alive)
    {
        lock (_lock)
        {
            if (!alive.IsCancellationRequested && _crashes.TryPeek(out var next) && ++_reached >= next && _crash.IsCompleted)
            {
                _crashes.Dequeue();
                _reached = 0;
                _crash = Task.Run(() => OnceAsync(CrashAsync), CancellationToken.None);

                // What has just begun is under way when the store dies.
                return _crash;
            }
        }

        return Task.CompletedTask;
    }

    private async Task CrashAsync(TestHub hub)
    {
        var alive = _alive;
        _alive = new CancellationTokenSource();
        await hub.CrashAndRestartAsync();
        await alive.CancelAsync();
    }
}
