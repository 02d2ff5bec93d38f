using DurableTask.Core;
using DurableTask.Core.Entities;

namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class EntityTests
{
    private static readonly EntityId Counter = new("counter", "one");

    private static TestFunctions Functions => new TestFunctions().Entity<int>("counter", (state, operation, input) => operation switch
    {
        "add" => (state ?? 0) + input,
        "delete" => null,
        _ => throw new InvalidOperationException(operation),
    });

    [Fact]
    public async Task Signals_to_an_entity_change_its_state_each_once_and_over_crashes()
    {
        await using var hub = await TestHub.StartAsync(Functions);

        for (var round = 1; round <= 5; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => hub.SignalAsync(Counter, "add", round)));
            await hub.CrashAndRestartAsync();
        }

        await hub.IdleAsync();
        (await StateAsync(hub)).ShouldBe("300");
    }

    [Fact]
    public async Task A_signal_for_later_arrives_then()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        await hub.SignalAsync(Counter, "add", 1);
        var later = DateTime.UtcNow.AddSeconds(1);
        await hub.SignalAsync(Counter, "add", 10, later);
        await hub.IdleAsync();
        (await StateAsync(hub)).ShouldBe("1");

        await hub.PassAsync(TimeSpan.FromMinutes(1));

        await hub.UntilAsync(async () => await StateAsync(hub) == "11");
    }

    [Fact]
    public async Task Entities_are_found_and_those_without_a_state_are_cleaned_up()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        await hub.SignalAsync(Counter, "add", 7);
        await hub.IdleAsync();
        var queries = hub.Service.EntityBackendQueries;

        var found = (await queries.QueryEntitiesAsync(new EntityBackendQueries.EntityQuery { IncludeState = true }, CancellationToken.None)).Results.ShouldHaveSingleItem();
        (found.EntityId, found.SerializedState).ShouldBe((Counter, "7"));

        await hub.SignalAsync(Counter, "delete", 0);
        await hub.IdleAsync();
        (await queries.GetEntityAsync(Counter, true, false, CancellationToken.None)).ShouldBeNull();
        (await queries.CleanEntityStorageAsync(new EntityBackendQueries.CleanEntityStorageRequest { RemoveEmptyEntities = true }, CancellationToken.None)).EmptyEntitiesRemoved.ShouldBe(1);
        (await hub.FindAsync(new DurableTask.Core.Query.OrchestrationQuery())).ShouldBeEmpty();
    }

    [Fact]
    public async Task Entities_are_found_by_name_and_time_a_page_at_a_time()
    {
        await using var hub = await TestHub.StartAsync(Functions.Orchestrator("Echo", script => Task.FromResult(script.Input<int>())));
        await hub.RunAsync("Echo", 1, "no entity");
        EntityId[] ids = [new("counter", "a"), new("counter", "b"), new("counter", "c")];
        foreach (var id in ids)
        {
            await hub.SignalAsync(id, "add", 1);
            await hub.IdleAsync();
        }

        await hub.SignalAsync(ids[2], "delete", 0);
        await hub.IdleAsync();
        var second = (await hub.Service.EntityBackendQueries.GetEntityAsync(ids[1], false, false, CancellationToken.None))!.Value;
        second.SerializedState.ShouldBeNull();
        var modified = second.LastModifiedTime;

        (await FindAsync(new())).ShouldBe(["a", "b"]);
        (await FindAsync(new() { IncludeTransient = true })).ShouldBe(["a", "b", "c"]);
        (await FindAsync(new() { InstanceIdStartsWith = "@counter@b" })).ShouldBe(["b"]);
        (await FindAsync(new() { LastModifiedFrom = modified })).ShouldBe(["b"]);
        (await FindAsync(new() { LastModifiedFrom = modified.AddTicks(1) })).ShouldBeEmpty();
        (await FindAsync(new() { LastModifiedTo = modified })).ShouldBe(["a", "b"]);
        (await FindAsync(new() { LastModifiedTo = modified.AddTicks(-1) })).ShouldBe(["a"]);
        var first = await QueryAsync(new() { PageSize = 1 });
        first.Results.ShouldHaveSingleItem().ShouldSatisfyAllConditions(one => one.EntityId.ShouldBe(ids[0]), one => one.SerializedState.ShouldBeNull());
        (await QueryAsync(new() { PageSize = 5, ContinuationToken = first.ContinuationToken })).Results.Select(one => one.EntityId).ShouldBe([ids[1]]);

        Task<EntityBackendQueries.EntityQueryResult> QueryAsync(EntityBackendQueries.EntityQuery query) => hub.Service.EntityBackendQueries.QueryEntitiesAsync(query, CancellationToken.None);

        async Task<IEnumerable<string>> FindAsync(EntityBackendQueries.EntityQuery query) => (await QueryAsync(query)).Results.Select(one => one.EntityId.Key);
    }

    [Fact]
    public async Task What_has_a_state_is_not_cleaned_up_and_what_has_none_only_when_that_is_asked_for()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        await hub.SignalAsync(new EntityId("counter", "kept"), "add", 1);
        await hub.SignalAsync(Counter, "add", 1);
        await hub.IdleAsync();
        await hub.SignalAsync(Counter, "delete", 0);
        await hub.IdleAsync();

        (await CleanAsync(hub, new() { ReleaseOrphanedLocks = true })).ShouldBe((0, 0));
        (await CleanAsync(hub, new() { RemoveEmptyEntities = true })).ShouldBe((1, 0));
        (await hub.FindAsync(new DurableTask.Core.Query.OrchestrationQuery())).ShouldHaveSingleItem().OrchestrationInstance.InstanceId.ShouldBe("@counter@kept");
        using var over = new CancellationTokenSource();
        await over.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => hub.Service.EntityBackendQueries.CleanEntityStorageAsync(new() { RemoveEmptyEntities = true }, over.Token));
    }

    [Fact]
    public async Task A_lock_is_given_back_when_its_holder_has_ended_without_doing_so()
    {
        await using var hub = await TestHub.StartAsync(Functions.Orchestrator("Wait", script => script.EventAsync<int>("Go")));
        await hub.ScheduleAsync("Wait", id: "holder");
        await hub.SignalAsync(Counter, "add", 1);

        // As an orchestration asks for a lock in DurableTask.Core, whose classes for it are its own.
        var request = $$"""{"id":"{{Guid.NewGuid()}}","parent":"holder","lockset":[{"name":"counter","key":"one"}],"pos":0}""";
        await hub.Service.SendTaskOrchestrationMessageAsync(new TaskMessage
        {
            OrchestrationInstance = new OrchestrationInstance { InstanceId = Counter.ToString() },
            Event = new DurableTask.Core.History.EventRaisedEvent(-1, request) { Name = "op" },
        });
        await hub.IdleAsync();
        (await HolderAsync()).ShouldBe("holder");

        (await CleanAsync(hub, new() { ReleaseOrphanedLocks = true })).ShouldBe((0, 0));
        await hub.TerminateAsync("holder");
        await hub.EndAsync("holder");
        (await CleanAsync(hub, new() { RemoveEmptyEntities = true })).ShouldBe((0, 0));
        (await CleanAsync(hub, new() { ReleaseOrphanedLocks = true })).ShouldBe((0, 1));

        await hub.IdleAsync();
        (await HolderAsync()).ShouldBeNull();

        async Task<string?> HolderAsync() => (await hub.Service.EntityBackendQueries.GetEntityAsync(Counter, false, false, CancellationToken.None))!.Value.LockedBy;
    }

    private static async Task<(int Removed, int Released)> CleanAsync(TestHub hub, EntityBackendQueries.CleanEntityStorageRequest request)
    {
        var cleaned = await hub.Service.EntityBackendQueries.CleanEntityStorageAsync(request, CancellationToken.None);
        return (cleaned.EmptyEntitiesRemoved, cleaned.OrphanedLocksReleased);
    }

    private static async Task<string?> StateAsync(TestHub hub)
        => (await hub.Service.EntityBackendQueries.GetEntityAsync(Counter, true, false, CancellationToken.None))?.SerializedState;
}
