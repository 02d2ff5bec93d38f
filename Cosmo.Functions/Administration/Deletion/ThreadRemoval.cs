using Cosmo.Functions.Access;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Threads;
using Cosmo.Functions.Threads.Index;
using Microsoft.DurableTask.Client;
using StackExchange.Redis;

namespace Cosmo.Functions.Administration.Deletion;

/// <summary>What became of a thread that was to be removed.</summary>
internal enum RemovalOutcome
{
    Removed,

    /// <summary>It is in use, or was since; nothing was touched.</summary>
    Active,

    /// <summary>OpenAI did not delete its conversation; nothing was touched.</summary>
    Failed,
}

/// <summary>
/// Removes threads: the conversation at OpenAI first, then what is kept of the channel's messages, then the keys, since nothing but the keys knows of the conversation.
/// A claim in the index and the look-up of a message exclude each other, so a message either keeps its thread or gets a new one. Whatever is interrupted can be done again.
/// </summary>
internal sealed class ThreadRemoval(
    RedisConnection redis, ThreadReader reader, ThreadIndex index, ChannelOwners owners, IAssistant assistant, ChannelErasure erasure, TimeProvider clock, ILogger<ThreadRemoval> logger)
{
    /// <summary>For one conversation with its items; what is larger is finished by the next runs.</summary>
    private static readonly TimeSpan DeletionLimit = TimeSpan.FromSeconds(30);

    private const string DeleteUnchanged = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

    private const string DeleteForeign = "if redis.call('TYPE', KEYS[1]).ok ~= 'string' then return redis.call('DEL', KEYS[1]) end return 0";

    /// <summary>Removes the thread of a channel with its metadata, unless the channel was active after this moment.</summary>
    /// <param name="latest">Unix seconds.</param>
    /// <param name="isForced">Remove it however active it is, cancelling what is under way, and whatever its keys hold: without this, a key of another type is left to whoever keeps it.</param>
    /// <param name="openAI">While it is open, only threads without a conversation at OpenAI are removed.</param>
    /// <param name="client">The Durable store, which has the channel's questions and answers too.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public async Task<RemovalOutcome> RemoveAsync(
        string channel, double latest, bool isForced, Breaker openAI, DurableTaskClient client, CancellationToken cancellationToken)
    {
        var begun = clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;
        if (!await index.TryClaimAsync(channel, latest, isForced, cancellationToken))
        {
            return RemovalOutcome.Active;
        }

        if (isForced)
        {
            await erasure.CancelAsync(channel, client, cancellationToken);
        }

        var snapshot = await reader.ReadAsync(channel, cancellationToken);
        var entry = snapshot.ToEntry();
        if (snapshot.Exists)
        {
            // What another program wrote, the index may not know yet.
            await index.RecordAsync([entry], replacesThread: true, cancellationToken);
        }

        if (!isForced && entry.Activity > latest)
        {
            await index.EndClaimAsync(channel, cancellationToken);
            return RemovalOutcome.Active;
        }

        var threadId = snapshot.ThreadId ?? await index.FindThreadAsync(channel, cancellationToken);
        if (ThreadId.IsCurrent(threadId) && !await TryDeleteAsync(threadId!, openAI, cancellationToken))
        {
            await index.EndClaimAsync(channel, cancellationToken);
            return RemovalOutcome.Failed;
        }

        await erasure.EraseAsync(channel, client, cancellationToken);
        await DeleteAsync(ThreadKeys.Thread(redis.Prefix, channel), snapshot.ThreadId, cancellationToken);
        await DeleteAsync(ThreadKeys.Metadata(redis.Prefix, channel), snapshot.MetadataText, cancellationToken);
        if (isForced)
        {
            foreach (var key in snapshot.Foreign)
            {
                await redis.EvaluateAsync(DeleteForeign, [redis.Prefix + key], [], cancellationToken);
            }
        }

        await owners.ForgetAsync(channel, isForced ? begun : latest, cancellationToken);
        await index.RemoveUnreadableAsync(isForced ? snapshot.Unreadable : snapshot.Unreadable.Except(snapshot.Foreign), cancellationToken);
        await index.RemoveAsync(channel, threadId, isForced ? double.MaxValue : latest, cancellationToken);
        if (threadId is not null)
        {
            // A message that came meanwhile has abandoned it.
            await index.RemoveAbandonedAsync(new AbandonedThread(threadId, channel), cancellationToken);
        }

        await index.EndClaimAsync(channel, cancellationToken);
        return RemovalOutcome.Removed;
    }

    /// <summary>Deletes a thread that no channel has any more. One that a channel still has is left alone.</summary>
    public async Task<RemovalOutcome> RemoveAsync(AbandonedThread thread, Breaker openAI, CancellationToken cancellationToken)
    {
        if ((await reader.ReadAsync(thread.Channel, cancellationToken)).ThreadId == thread.ThreadId)
        {
            return RemovalOutcome.Active;
        }

        if (!await TryDeleteAsync(thread.ThreadId, openAI, cancellationToken))
        {
            return RemovalOutcome.Failed;
        }

        await index.RemoveAbandonedAsync(thread, cancellationToken);
        return RemovalOutcome.Removed;
    }

    private async Task<bool> TryDeleteAsync(string threadId, Breaker openAI, CancellationToken cancellationToken)
    {
        if (openAI.IsOpen)
        {
            return false;
        }

        using var limit = new TimeLimit(DeletionLimit, clock, cancellationToken);
        try
        {
            await assistant.DeleteThreadAsync(threadId, limit.Token);
            openAI.Succeeded();
            return true;
        }
        catch (Exception e) when (e is AssistantException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            openAI.Failed();
            logger.ConversationNotDeleted(threadId, e.Message);
            return false;
        }
    }

    private async Task DeleteAsync(RedisKey key, string? value, CancellationToken cancellationToken)
    {
        if (value is not null)
        {
            await redis.EvaluateAsync(DeleteUnchanged, [key], [value], cancellationToken);
        }
    }
}

/// <summary>Opens when a service has failed so often in a row that it is down, and then stays open.</summary>
internal sealed class Breaker(int mostFailures, bool isOpen = false)
{
    private int _failures = isOpen ? mostFailures : 0;

    public bool IsOpen => Volatile.Read(ref _failures) >= mostFailures;

    public void Failed() => Interlocked.Increment(ref _failures);

    public void Succeeded()
    {
        if (!IsOpen)
        {
            Interlocked.Exchange(ref _failures, 0);
        }
    }
}
