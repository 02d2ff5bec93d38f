using Cosmo.Functions.Tests.Orchestrations;
using Cosmo.Functions.Threads.Index;
using Microsoft.DurableTask.Worker.Grpc;

namespace Cosmo.Functions.Tests.Threads.Index;

/// <summary>The orchestration that compares all keys with the index, whose steps succeed at once unless a test says otherwise.</summary>
internal sealed class IndexingHarness() : OrchestrationHarness(
    nameof(ThreadIndexing),
    request => GrpcOrchestrationRunner.LoadAndRun<IndexingProgress, IndexingProgress>(request, async (context, _) => await ThreadIndexing.RunAsync(context)))
{
    /// <summary>Every way that it can go, by name.</summary>
    public static IReadOnlyDictionary<string, Action<IndexingHarness>> Paths { get; } = new Dictionary<string, Action<IndexingHarness>>
    {
        ["one-step"] = indexing => indexing.Begin(steps: 1),
        ["several-steps"] = indexing => indexing.Begin(steps: 3),
        ["more-steps-than-one-history-holds"] = indexing => indexing.Begin(steps: 60),
        ["worker-died-in-a-step"] = indexing => indexing.Begin(steps: 2, deaths: 2),
        ["every-worker-died"] = indexing => indexing.Begin(steps: 2, deaths: int.MaxValue),
    };

    /// <param name="steps">How many it takes.</param>
    /// <param name="deaths">How many tries of the first fail.</param>
    private void Begin(int steps, int deaths = 0)
    {
        var tries = 0;
        On<IndexPosition>(nameof(IndexThreads), position => ++tries <= deaths
            ? new IOException("The worker died.")
            : new IndexStep(10, 1, position with { Cursor = position.Cursor + 1, IsComplete = position.Cursor + 1 == steps }));
        Begin(IndexingProgress.Start);
    }
}
