using System.Runtime.CompilerServices;
using Cosmo.Local.Durable.Storage;
using DurableTask.Core;
using DurableTask.Core.History;
using DurableTask.Core.Query;
using Newtonsoft.Json.Linq;
using SQLitePCL;

namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class QueryAndPurgeTests
{
    private static readonly TestFunctions Functions = new TestFunctions()
        .Orchestrator("Echo", script => Task.FromResult(script.Input<int>()))
        .Orchestrator("Fail", _ => Task.FromException<int>(new InvalidOperationException("no luck")))
        .Orchestrator("Wait", script => script.EventAsync<int>("Go"))
        .Orchestrator("Call", script => script.CallAsync<int>("Next", 1))
        .Activity<int, int>("Next", number => number + 1);

    [Theory]
    [InlineData(null, false)]
    [InlineData("a-", false)]
    [InlineData(null, true)]
    [InlineData("a-", true)]
    public async Task A_query_goes_through_all_pages(string? prefix, bool byStatus)
    {
        await using var hub = await TestHub.StartAsync(Functions);
        await RunManyAsync(hub, "a-", 25);
        var query = new OrchestrationQuery
        {
            PageSize = 10,
            InstanceIdPrefix = prefix,
            RuntimeStatus = byStatus ? [OrchestrationStatus.Failed, OrchestrationStatus.Completed, OrchestrationStatus.Running] : null,
        };

        var pages = new List<List<string>>();
        do
        {
            var page = await hub.Service.GetOrchestrationWithQueryAsync(query, CancellationToken.None);
            pages.Add([.. page.OrchestrationState.Select(state => state.OrchestrationInstance.InstanceId)]);
            query.ContinuationToken = page.ContinuationToken;
        }
        while (query.ContinuationToken is not null);

        pages.Select(page => page.Count).ShouldBe([10, 10, 5]);
        pages.SelectMany(page => page).Distinct().Count().ShouldBe(25);
    }

    [Fact]
    public async Task A_query_chooses_by_id_status_and_time()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        await RunManyAsync(hub, "a-", 2);
        await hub.ScheduleAsync("Wait", id: "a-waiting");
        await hub.RunAsync("Fail", id: "b-failed");
        await hub.RunAsync("Echo", 1, "b-0");
        await hub.IdleAsync();
        await hub.RaiseAsync("@entity@1", "op", "an entity begins with the first message to it");
        var last = (await hub.GetAsync("b-0"))!.CreatedTime;

        (await IdsAsync(new() { InstanceIdPrefix = "a-" })).ShouldBe(["a-0", "a-1", "a-waiting"]);
        (await IdsAsync(new() { InstanceIdPrefix = "a-", RuntimeStatus = [OrchestrationStatus.Running] })).ShouldBe(["a-waiting"]);
        (await IdsAsync(new() { RuntimeStatus = [OrchestrationStatus.Completed] })).ShouldBe(["a-0", "a-1", "b-0"]);
        (await IdsAsync(new() { RuntimeStatus = [OrchestrationStatus.Failed, OrchestrationStatus.Running] })).ShouldBe(["a-waiting", "b-failed"]);
        (await IdsAsync(new() { InstanceIdPrefix = "@" })).ShouldBe(["@entity@1"]);
        (await IdsAsync(new() { CreatedTimeFrom = last, ExcludeEntities = true })).ShouldBe(["b-0"]);
        (await IdsAsync(new() { CreatedTimeTo = last.AddTicks(-1), RuntimeStatus = [OrchestrationStatus.Completed] })).ShouldBe(["a-0", "a-1"]);

        async Task<List<string>> IdsAsync(OrchestrationQuery query)
        {
            query.PageSize = 100;
            return [.. (await hub.FindAsync(query)).Select(state => state.OrchestrationInstance.InstanceId).Order(StringComparer.Ordinal)];
        }
    }

    [Fact]
    public async Task A_query_for_few_among_many_reads_few()
    {
        const int many = 2000;
        const int few = 5;
        var later = new DateTime(3000, 1, 1);
        await using var hub = await TestHub.StartAsync(Functions, withWorker: false);
        await hub.Service.Store.CommitAsync((session, _) =>
        {
            for (var i = 0; i < many; i++)
            {
                session.Execute(
                    "INSERT INTO instances (instance_id, name, status, created_at, updated_at) VALUES (?1, 'Echo', ?2, ?3, ?3)",
                    $"i-{i:0000}",
                    (int)(i % (many / few) == 0 ? OrchestrationStatus.Running : OrchestrationStatus.Completed),
                    i);
                session.Execute("INSERT INTO timers (id, number, fire_at, event) VALUES (?1, 1, ?2, '')", i + 1, later.Ticks + i);
            }
        });
        InstanceFilter[] filters =
        [
            new() { Statuses = [OrchestrationStatus.Running] },
            new() { Statuses = [OrchestrationStatus.Running, OrchestrationStatus.Failed], WithoutEntities = true },
            new() { Prefix = "i-199" },
            new() { CreatedFrom = new DateTime(many - few), CreatedTo = new DateTime(many) },
            new(),
        ];

        var all = hub.Service.Store.Read(session =>
        {
            filters.ShouldAllBe(filter => Instances.Page(session, filter, few, null).Found.Count == few);
            return StepsOf(session);
        });
        var due = await hub.Service.Store.CommitAsync((session, _) =>
        {
            StepsOf(session);
            var wakeups = new Wakeups();
            Messages.FireDue(session, later.AddTicks(few - 1), wakeups);
            wakeups.Instances.Count.ShouldBe(few);
            return StepsOf(session);
        });

        // Who looks at each row takes some steps at each.
        all.Concat(due).ShouldAllBe(statement => statement.Steps < many);
    }

    [Fact]
    public async Task Inputs_and_outputs_are_there_if_asked_for()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        await hub.RunAsync("Echo", 7);

        var with = (await hub.FindAsync(new OrchestrationQuery { FetchInputsAndOutputs = true })).ShouldHaveSingleItem();
        var without = (await hub.FindAsync(new OrchestrationQuery { FetchInputsAndOutputs = false })).ShouldHaveSingleItem();

        (with.Input, with.Output).ShouldBe(("7", "7"));
        (without.Input, without.Output).ShouldBe((null, null));
    }

    [Theory]
    [InlineData("abc")]
    [InlineData("1")]
    [InlineData("1:a")]
    [InlineData("a:1")]
    [InlineData("1:2:3")]
    public async Task A_token_that_is_none_is_refused(string token)
    {
        await using var hub = await TestHub.StartAsync(Functions, withWorker: false);

        (await Should.ThrowAsync<ArgumentException>(() => hub.FindAsync(new OrchestrationQuery { ContinuationToken = token }))).Message.ShouldContain($"'{token}'");
    }

    [Theory]
    [InlineData(0, 100)]
    [InlineData(-1, 100)]
    [InlineData(1, 1)]
    [InlineData(1000, 1000)]
    [InlineData(5000, 1000)]
    public async Task A_page_has_a_size_and_the_last_may_be_empty(int asked, int size)
    {
        await using var hub = await TestHub.StartAsync(Functions, withWorker: false);
        await InsertAsync(hub, 1000);

        var first = await hub.Service.GetOrchestrationWithQueryAsync(new OrchestrationQuery { PageSize = asked }, CancellationToken.None);
        var (last, end) = hub.Service.ReadPage(new InstanceFilter { CreatedFrom = new DateTime(1000 - size) }, asked, "");

        first.OrchestrationState.Count.ShouldBe(size);
        last.Count.ShouldBe(size);
        var (none, next) = hub.Service.ReadPage(new InstanceFilter(), asked, end.ShouldNotBeNull());
        (none.Count, next).ShouldBe((0, null));
    }

    [Fact]
    public async Task A_token_of_another_query_leads_to_no_instance_that_this_one_does_not_look_for_and_past_none()
    {
        await using var hub = await TestHub.StartAsync(Functions, withWorker: false);
        await InsertAsync(hub, 5);

        Find(new() { Prefix = "i-" }, "j").ShouldBe(["i-0000", "i-0001", "i-0002", "i-0003", "i-0004"]);
        Find(new() { Prefix = "i-" }, "").ShouldBe(["i-0000", "i-0001", "i-0002", "i-0003", "i-0004"]);
        Find(new() { Prefix = "i-" }, "i-0003").ShouldBe(["i-0004"]);
        Find(new() { CreatedFrom = new DateTime(2) }, "0:1").ShouldBe(["i-0002", "i-0003", "i-0004"]);
        Find(new() { CreatedFrom = new DateTime(2) }, "2:3").ShouldBe(["i-0003", "i-0004"]);
        Find(new() { CreatedFrom = new DateTime(0), CreatedTo = new DateTime(0) }, "").ShouldBe(["i-0000"]);

        IEnumerable<string> Find(InstanceFilter filter, string token) => hub.Service.ReadPage(filter, 10, token).States.Select(state => state.OrchestrationInstance.InstanceId);
    }

    [Fact]
    public async Task A_state_is_that_of_its_execution_and_nobody_has_none()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        var instance = (await hub.RunAsync("Call", id: "one")).OrchestrationInstance;
        await hub.ScheduleAsync("Wait", id: "waits");

        (await hub.Service.GetOrchestrationStateAsync("one", allExecutions: true)).ShouldHaveSingleItem().OrchestrationInstance.ExecutionId.ShouldBe(instance.ExecutionId);
        (await hub.Service.GetOrchestrationStateAsync("nobody", allExecutions: true)).ShouldBeEmpty();
        (await hub.Service.GetOrchestrationStateAsync("one", instance.ExecutionId)).ShouldNotBeNull();
        (await hub.Service.GetOrchestrationStateAsync("one", "")).ShouldNotBeNull();
        (await hub.Service.GetOrchestrationStateAsync("one", "another")).ShouldBeNull();
        (await hub.Service.GetOrchestrationHistoryAsync("one", "another")).ShouldBe("[]");
        (await hub.Service.GetOrchestrationHistoryAsync("one", "")).ShouldNotBe("[]");
        (await hub.GetAsync("waits"))!.CompletedTime.ShouldBe(DateTime.MaxValue);
    }

    [Fact]
    public async Task The_history_tells_every_event_in_its_order()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        var instance = (await hub.RunAsync("Call")).OrchestrationInstance;

        var json = JArray.Parse(await hub.Service.GetOrchestrationHistoryAsync(instance.InstanceId, instance.ExecutionId));
        var streamed = new List<HistoryEvent>();
        await foreach (var happened in hub.Service.StreamHistoryAsync(instance.InstanceId, TestContext.Current.CancellationToken))
        {
            streamed.Add(happened);
        }

        EventType[] expected =
        [
            EventType.OrchestratorStarted, EventType.ExecutionStarted, EventType.TaskScheduled, EventType.OrchestratorCompleted,
            EventType.OrchestratorStarted, EventType.TaskCompleted, EventType.ExecutionCompleted, EventType.OrchestratorCompleted,
        ];
        json.Select(happened => (EventType)(int)happened["EventType"]!).ShouldBe(expected);
        streamed.Select(happened => happened.EventType).ShouldBe(expected);
        streamed.OfType<TaskCompletedEvent>().Single().Result.ShouldBe("2");
    }

    [Fact]
    public async Task A_purge_removes_what_has_ended_and_nothing_else()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        await RunManyAsync(hub, "a-", 3);
        await hub.RunAsync("Fail", id: "failed");
        await hub.ScheduleAsync("Wait", id: "waiting");

        (await hub.Service.PurgeInstanceStateAsync("a-0")).DeletedInstanceCount.ShouldBe(1);
        (await hub.Service.PurgeInstanceStateAsync("waiting")).DeletedInstanceCount.ShouldBe(0);
        (await hub.Service.PurgeInstanceStateAsync("nobody")).DeletedInstanceCount.ShouldBe(0);
        (await hub.Service.PurgeInstanceStateAsync(new PurgeInstanceFilter(DateTime.MinValue, null, [OrchestrationStatus.Running]))).DeletedInstanceCount.ShouldBe(0);
        (await hub.Service.PurgeInstanceStateAsync(new PurgeInstanceFilter(DateTime.MinValue, null, [OrchestrationStatus.Failed, OrchestrationStatus.Running])))
            .DeletedInstanceCount.ShouldBe(1);
        (await hub.Service.PurgeInstanceStateAsync(new PurgeInstanceFilter(DateTime.MinValue, DateTime.UtcNow.AddDays(-1), null))).DeletedInstanceCount.ShouldBe(0);
        (await hub.Service.PurgeInstanceStateAsync(new PurgeInstanceFilter(DateTime.MinValue, null, null))).DeletedInstanceCount.ShouldBe(2);

        (await hub.FindAsync(new OrchestrationQuery())).ShouldHaveSingleItem().OrchestrationInstance.InstanceId.ShouldBe("waiting");
        (await hub.Service.GetOrchestrationHistoryAsync("a-0", null)).ShouldBe("[]");
        hub.Service.Store.Read(session => session.Find("SELECT count(DISTINCT id) FROM history", row => row.Int(0))).ShouldBeLessThanOrEqualTo(1);
    }

    [Fact]
    public async Task A_purge_of_many_goes_in_several_commits_and_says_if_its_time_was_over()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        await RunManyAsync(hub, "a-", 450);

        var none = await hub.Service.PurgeInstanceStateAsync(new PurgeInstanceFilter(DateTime.MinValue, null, null) { Timeout = TimeSpan.FromTicks(-1) });
        var all = await hub.Service.PurgeInstanceStateAsync(new PurgeInstanceFilter(DateTime.MinValue, null, null));

        (none.DeletedInstanceCount, none.IsComplete).ShouldBe((0, false));
        (all.DeletedInstanceCount, all.IsComplete).ShouldBe((450, true));
    }

    [Fact]
    public async Task A_purge_by_the_time_of_the_end_removes_what_ended_before()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        await hub.RunAsync("Echo", 1, "old");
        var now = (await hub.GetAsync("old"))!.CompletedTime.AddTicks(1);
        await hub.RunAsync("Echo", 1, "new");

        await hub.Service.PurgeOrchestrationHistoryAsync(now, OrchestrationStateTimeRangeFilterType.OrchestrationCompletedTimeFilter);

        (await hub.FindAsync(new OrchestrationQuery())).ShouldHaveSingleItem().OrchestrationInstance.InstanceId.ShouldBe("new");
    }

    [Theory]
    [InlineData(OrchestrationStateTimeRangeFilterType.OrchestrationCreatedTimeFilter, 0)]
    [InlineData(OrchestrationStateTimeRangeFilterType.OrchestrationLastUpdatedTimeFilter, 10_000)]
    [InlineData(OrchestrationStateTimeRangeFilterType.OrchestrationCompletedTimeFilter, 20_000)]
    public async Task A_purge_before_a_time_goes_by_the_time_it_names_and_removes_all_of_many(OrchestrationStateTimeRangeFilterType time, int beginning)
    {
        await using var hub = await TestHub.StartAsync(Functions, withWorker: false);
        await InsertAsync(hub, 500);
        await hub.Service.Store.CommitAsync((session, _) =>
        {
            session.Execute("UPDATE instances SET updated_at = created_at + 10000, completed_at = created_at + 20000");
            session.Execute("UPDATE instances SET status = ?1 WHERE instance_id = 'i-0001'", (int)OrchestrationStatus.Running);
        });

        await hub.Service.PurgeOrchestrationHistoryAsync(new DateTime(beginning), time);
        Left().Count.ShouldBe(500);
        await hub.Service.PurgeOrchestrationHistoryAsync(new DateTime(beginning + 450), time);

        Left().ShouldBe(["i-0001", .. Enumerable.Range(450, 50).Select(i => $"i-{i:0000}")]);

        List<string> Left() => hub.Service.Store.Read(session => session.Query("SELECT instance_id FROM instances ORDER BY instance_id", row => row.String(0)));
    }

    /// <summary>Instances that have ended, each made a tick after the one before it, the first at none.</summary>
    private static Task InsertAsync(TestHub hub, int count) => hub.Service.Store.CommitAsync((session, _) =>
    {
        for (var i = 0; i < count; i++)
        {
            session.Execute(
                "INSERT INTO instances (instance_id, name, status, created_at, updated_at) VALUES (?1, 'Echo', ?2, ?3, ?3)", $"i-{i:0000}", (int)OrchestrationStatus.Completed, i);
        }
    });

    /// <summary>How many steps of SQLite's machine each statement of a session has taken since this was asked last.</summary>
    private static List<(string Sql, int Steps)> StepsOf(SqliteSession session) =>
        [.. StatementsOf(session).Select(statement => (statement.Key, raw.sqlite3_stmt_status(statement.Value, raw.SQLITE_STMTSTATUS_VM_STEP, 1)))];

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_statements")]
    private static extern ref Dictionary<string, sqlite3_stmt> StatementsOf(SqliteSession session);

    private static async Task RunManyAsync(TestHub hub, string prefix, int count)
        => await Task.WhenAll(Enumerable.Range(0, count).Select(i => hub.RunAsync("Echo", i, $"{prefix}{i}")));
}
