using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Threads.Index;

/// <summary>Activity: compares some of the keys with the index.</summary>
internal sealed class IndexThreads(ThreadIndexer indexer)
{
    [Function(nameof(IndexThreads))]
    public Task<IndexStep> RunAsync([ActivityTrigger] IndexPosition position, FunctionContext context) =>
        indexer.StepAsync(position, context.CancellationToken);
}
