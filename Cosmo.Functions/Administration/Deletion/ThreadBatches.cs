using Cosmo.Functions.Threads.Index;
using StackExchange.Redis;

namespace Cosmo.Functions.Administration.Deletion;

/// <summary>Removes threads in batches, several at once. One that OpenAI does not delete stops neither the others nor a later try.</summary>
internal sealed class ThreadBatches(ThreadIndex index, ThreadRemoval removal, TimeProvider clock)
{
    private const int BatchSize = 200;
    private const int AtOnce = 8;

    /// <summary>After this, what is left of a batch is the next one's.</summary>
    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(60);

    /// <summary>After so many failures in a row OpenAI is taken for down, and not asked again in this run.</summary>
    private const int FailuresOfAnOutage = 16;

    /// <summary>Removes the next threads of channels that were last active at this moment or before, the longest idle first.</summary>
    public async Task<RemovalStep> RemoveAsync(double latest, bool isForced, RemovalStep before, CancellationToken cancellationToken)
    {
        var entries = await index.ReadOldestAsync(before.Next!, latest, BatchSize, cancellationToken);
        return await RunAsync(entries, before, (entry, openAI) => removal.RemoveAsync(entry.Element!, latest, isForced, openAI, cancellationToken));
    }

    /// <summary>Deletes the next threads that no channel has any more.</summary>
    public async Task<RemovalStep> RemoveAbandonedAsync(RemovalStep before, CancellationToken cancellationToken)
    {
        var entries = await index.ReadAbandonedAsync(before.Next!, BatchSize, cancellationToken);
        return await RunAsync(entries, before, (entry, openAI) => removal.RemoveAsync(AbandonedThread.Parse(entry.Element!), openAI, cancellationToken));
    }

    private async Task<RemovalStep> RunAsync(
        SortedSetEntry[] entries, RemovalStep before, Func<SortedSetEntry, Breaker, Task<RemovalOutcome>> remove)
    {
        var begun = clock.GetTimestamp();
        var openAI = new Breaker(FailuresOfAnOutage, before.IsOpenAIDown);
        var visited = new List<(SortedSetEntry Entry, RemovalOutcome Outcome)>();
        foreach (var some in entries.Chunk(AtOnce).TakeWhile(_ => clock.GetElapsedTime(begun) < TimeLimit))
        {
            visited.AddRange(some.Zip(await Task.WhenAll(some.Select(entry => remove(entry, openAI)))));
        }

        var isLast = entries.Length < BatchSize && visited.Count == entries.Length;
        var next = before.Next!.Advance([.. visited.Select(one => (one.Entry, one.Outcome is not RemovalOutcome.Removed))]);
        return new RemovalStep(
            Count(RemovalOutcome.Removed), Count(RemovalOutcome.Active), Count(RemovalOutcome.Failed), isLast ? null : next, openAI.IsOpen);

        long Count(RemovalOutcome outcome) => visited.LongCount(one => one.Outcome == outcome);
    }
}
