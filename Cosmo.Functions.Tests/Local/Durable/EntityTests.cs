using DurableTask.Core;
using DurableTask.Core.Entities;

namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class EntityTests
{
    private static readonly EntityId Counter = new("counter", "one");

    private static readonly TestFunctions Functions = new TestFunctions().Entity<int>("counter", (state, operation, input) => operation switch
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
            await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => SignalAsync(hub, "add", round)));
            await hub.CrashAndRestartAsync();
        }

        await hub.IdleAsync();
        (await StateAsync(hub)).ShouldBe("300");
    }

    [Fact]
    public async Task A_signal_for_later_arrives_then()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        await SignalAsync(hub, "add", 1);
        var later = DateTime.UtcNow.AddSeconds(1);
        await SignalAsync(hub, "add", 10, later);
        await hub.IdleAsync();
        (await StateAsync(hub)).ShouldBe("1");

        await hub.PassAsync(TimeSpan.FromMinutes(1));

        await hub.UntilAsync(async () => await StateAsync(hub) == "11");
    }

    [Fact]
    public async Task Entities_are_found_and_those_without_a_state_are_cleaned_up()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        await SignalAsync(hub, "add", 7);
        await hub.IdleAsync();
        var queries = hub.Service.EntityBackendQueries;

        var found = (await queries.QueryEntitiesAsync(new EntityBackendQueries.EntityQuery { IncludeState = true }, CancellationToken.None)).Results.ShouldHaveSingleItem();
        (found.EntityId, found.SerializedState).ShouldBe((Counter, "7"));

        await SignalAsync(hub, "delete", 0);
        await hub.IdleAsync();
        (await queries.GetEntityAsync(Counter, true, false, CancellationToken.None)).ShouldBeNull();
        (await queries.CleanEntityStorageAsync(new EntityBackendQueries.CleanEntityStorageRequest { RemoveEmptyEntities = true }, CancellationToken.None)).EmptyEntitiesRemoved.ShouldBe(1);
        (await hub.FindAsync(new DurableTask.Core.Query.OrchestrationQuery())).ShouldBeEmpty();
    }

    private static Task SignalAsync(TestHub hub, string operation, int input, DateTime? at = null) => hub.Service.SendTaskOrchestrationMessageAsync(
        ClientEntityHelpers.EmitOperationSignal(
            new OrchestrationInstance { InstanceId = Counter.ToString() },
            Guid.NewGuid(),
            operation,
            $"{input}",
            at is { } time ? (time, time) : null).AsTaskMessage());

    private static async Task<string?> StateAsync(TestHub hub)
        => (await hub.Service.EntityBackendQueries.GetEntityAsync(Counter, true, false, CancellationToken.None))?.SerializedState;
}
