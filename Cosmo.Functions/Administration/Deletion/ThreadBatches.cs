using Cosmo.Functions.Threads;
using Cosmo.Functions.Threads.Index;
using Microsoft.DurableTask.Client;
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
    public async Task<RemovalStep> RemoveAsync(
        double latest, bool isForced, RemovalStep before, DurableTaskClient client, CancellationToken cancellationToken)
    {
        var entries = await index.ReadOldestAsync(before.Next!, latest, BatchSize, cancellationToken);
        var step = await RunAsync(entries, before, (entry, openAI) => removal.RemoveAsync(entry.Element!, latest, isForced, openAI, client, cancellationToken));
        var left = step.Next is { } next ? await index.CountAsync(next, latest, cancellationToken) : 0;
        return step with { Left = left + await index.CountAbandonedAsync(IndexCursor.Start, cancellationToken) };
    }

    /// <summary>Deletes the next threads that no channel has any more; where all are meant, first the keys that the index does not list because they cannot be read.</summary>
    public async Task<RemovalStep> RemoveAbandonedAsync(bool isForced, RemovalStep before, DurableTaskClient client, CancellationToken cancellationToken)
    {
        var unreadable = isForced && before.Next == IndexCursor.Start ? await RemoveUnreadableAsync(before, client, cancellationToken) : 0;
        var entries = await index.ReadAbandonedAsync(before.Next!, BatchSize, cancellationToken);
        var step = await RunAsync(entries, before, (entry, openAI) => removal.RemoveAsync(AbandonedThread.Parse(entry.Element!), openAI, cancellationToken));
        return step with { Removed = step.Removed + unreadable, Left = step.Next is { } next ? await index.CountAbandonedAsync(next, cancellationToken) : 0 };
    }

    private async Task<long> RemoveUnreadableAsync(RemovalStep before, DurableTaskClient client, CancellationToken cancellationToken)
    {
        var begun = clock.GetTimestamp();
        var openAI = new Breaker(FailuresOfAnOutage, before.IsOpenAIDown);
        var (cursor, removed) = (IndexCursor.Start, 0L);
        while (clock.GetElapsedTime(begun) < TimeLimit && await index.ReadUnreadableAsync(cursor, BatchSize, cancellationToken) is { Length: > 0 } entries)
        {
            foreach (var channel in entries.Select(entry => ThreadKeys.ChannelOf(entry.Element!)).Distinct())
            {
                removed += await removal.RemoveAsync(channel, double.MaxValue, isForced: true, openAI, client, cancellationToken) is RemovalOutcome.Removed ? 1 : 0;
            }

            var left = (await index.ReadUnreadableAsync(cursor, BatchSize, cancellationToken)).Select(entry => (string)entry.Element!).ToHashSet();
            cursor = cursor.Advance([.. entries.Select(entry => (entry, left.Contains((string)entry.Element!)))]);
        }

        return removed;
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
