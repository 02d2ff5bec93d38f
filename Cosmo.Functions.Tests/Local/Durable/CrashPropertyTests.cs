using System.Collections.Concurrent;
using System.Globalization;
using CsCheck;

namespace Cosmo.Functions.Tests.Local.Durable;

/// <summary>
/// Random orchestrations on a store that dies at random points end as they do where nothing ever dies. A failure prints its seed: put it into
/// <see cref="KnownSeeds"/>, where it stays. More cases: COSMO_DURABLE_CASES.
/// </summary>
public sealed class CrashPropertyTests
{
    private static readonly int Factor = int.Parse(Environment.GetEnvironmentVariable("COSMO_DURABLE_CASES") ?? "1", CultureInfo.InvariantCulture);

    public static TheoryData<string> KnownSeeds => ["2orcfY8ibRe7", "30ebhESs2aze", "f00lkrZto3r2", "0000-YeoGUv3", "0000-3Q9OsN2"];

    [Theory]
    [MemberData(nameof(KnownSeeds))]
    public async Task What_once_ended_otherwise_ends_the_same(string seed)
        => await PlanCase.Cases.SampleAsync(RunInProcessAsync, seed: seed, iter: 1, threads: 1);

    [Fact]
    public async Task Random_orchestrations_end_the_same_whenever_the_store_dies()
        => await PlanCase.Cases.SampleAsync(RunInProcessAsync, iter: 50 * Factor, threads: 1);

    [Fact]
    public async Task Random_orchestrations_end_as_expected_where_nothing_dies()
        => await PlanCase.Cases.SampleAsync(plans => RunInProcessAsync(plans with { Crashes = [] }), iter: 15 * Factor, threads: 1);

    [Fact]
    public async Task Random_orchestrations_end_the_same_whenever_the_process_is_killed()
        => await PlanCase.Cases.SampleAsync(RunInChildAsync, iter: 2 * Factor, threads: 1);

    private static async Task RunInProcessAsync(PlanCase plans)
    {
        // Where nothing dies every history is read again at each step; where the store dies, only afterwards.
        await using var host = await CrashingHub.StartAsync(plans.Crashes, liveHistoryLength: plans.Crashes.Length == 0 ? 0 : 100_000);
        await PlanDriver.RunAsync(host, plans);
        await host.NothingIsLeftAsync();
    }

    private static async Task RunInChildAsync(PlanCase plans)
    {
        await using var host = await ChildHub.StartAsync(plans.Crashes);
        await PlanDriver.RunAsync(host, plans);
    }
}

/// <summary>A hub to drive plans on. Whatever crashes meanwhile, each call comes to its end.</summary>
internal interface IPlanHost
{
    /// <summary>Called with what orchestrations wish.</summary>
    Action<Wish>? Wished { get; set; }

    Task StartAsync(string id, Plan plan);

    Task RaiseAsync(string id, string name, int payload);

    Task SuspendAsync(string id);

    Task ResumeAsync(string id);

    Task TerminateAsync(string id);

    Task<PlanEnd> EndAsync(string id);
}

/// <summary>Starts orchestrations, does what they wish, and compares how they end with how they should.</summary>
internal sealed class PlanDriver
{
    private readonly IPlanHost _host;
    private readonly ConcurrentDictionary<(string ExecutionId, string Name), Task> _fulfilled = new();

    private PlanDriver(IPlanHost host)
    {
        _host = host;
        _host.Wished = wish => _ = _fulfilled.GetOrAdd((wish.ExecutionId, wish.EventName), _ => Task.Run(() => FulfilAsync(wish)));
    }

    public static async Task RunAsync(IPlanHost host, PlanCase plans)
    {
        var driver = new PlanDriver(host);
        await Task.WhenAll(plans.Ids.Select((runs, i) => driver.RunAsync($"id{i}", runs))).WaitAsync(2 * TestHub.Patience);
    }

    private async Task RunAsync(string id, Plan[] runs)
    {
        foreach (var plan in runs)
        {
            await _host.StartAsync(id, plan);
            foreach (var name in plan.EarlyEvents())
            {
                await _host.RaiseAsync(id, name, int.Parse(name.Split('-')[1], CultureInfo.InvariantCulture));
            }

            var end = await _host.EndAsync(id);
            (end.Status, end.Output).ShouldBe(plan.Expected());

            // What is still under way for this run must not reach the next.
            await Task.WhenAll(_fulfilled.Values);
        }
    }

    private async Task FulfilAsync(Wish wish)
    {
        switch (wish.Kind)
        {
            case StepKind.End:
                await _host.TerminateAsync(wish.InstanceId);
                break;
            case StepKind.Pause:
                await _host.SuspendAsync(wish.InstanceId);
                await _host.RaiseAsync(wish.InstanceId, wish.EventName, wish.Payload);
                await _host.ResumeAsync(wish.InstanceId);
                break;
            default:
                await _host.RaiseAsync(wish.InstanceId, wish.EventName, wish.Payload);
                break;
        }
    }
}
