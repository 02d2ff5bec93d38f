using Cosmo.Functions.Tests.Orchestrations;
using Cosmo.Functions.Threads.Index;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Converters;
using Microsoft.Extensions.Logging;
using NSubstitute;

namespace Cosmo.Functions.Tests.Threads.Index;

public sealed class ThreadIndexingTests
{
    [Fact]
    public void How_far_the_comparison_has_come_is_its_status_and_in_the_end_its_result()
    {
        var (indexing, second) = (new IndexingHarness(), new OpenCall());
        indexing.On<IndexPosition>(nameof(IndexThreads), position => position.Cursor == 0 ? new IndexStep(10, 1, position with { Cursor = 7 }) : second);

        indexing.Begin(IndexingProgress.Start);
        Status().ShouldBe(new IndexingProgress(new IndexPosition(0, 7, null, false), 10, 1));

        second.End(new IndexStep(5, 2, new IndexPosition(1, 0, "0", true)));
        indexing.End<IndexingProgress>().ShouldBe(new IndexingProgress(new IndexPosition(1, 0, "0", true), 15, 3));
        Status().ShouldBe(new IndexingProgress(new IndexPosition(1, 0, "0", true), 15, 3));

        IndexingProgress? Status() => JsonDataConverter.Default.Deserialize<IndexingProgress>(indexing.CustomStatus);
    }

    [Theory]
    [InlineData(OrchestrationRuntimeStatus.Completed, 1)]
    [InlineData(OrchestrationRuntimeStatus.Running, 0)]
    public async Task A_comparison_that_runs_is_not_begun_again_and_that_is_said(OrchestrationRuntimeStatus status, int begun)
    {
        var (client, logs) = (Substitute.For<DurableTaskClient>("test"), new RecordedLogs());
        client.GetInstanceAsync(ThreadIndexing.InstanceId, Arg.Any<CancellationToken>())
            .Returns(new OrchestrationMetadata(nameof(ThreadIndexing), ThreadIndexing.InstanceId) { RuntimeStatus = status });

        await new RefreshThreadIndex(new LoggerFactory([logs]).CreateLogger<RefreshThreadIndex>()).RunAsync(new TimerInfo(), client, Substitute.For<FunctionContext>());

        await client.Received(begun).ScheduleNewOrchestrationInstanceAsync(
            nameof(ThreadIndexing), IndexingProgress.Start, Arg.Is<StartOrchestrationOptions>(options => options.InstanceId == ThreadIndexing.InstanceId), Arg.Any<CancellationToken>());
        logs.Text.Contains(ThreadIndexing.InstanceId).ShouldBe(begun == 0);
    }
}
