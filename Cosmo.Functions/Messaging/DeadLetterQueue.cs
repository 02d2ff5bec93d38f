using Cosmo.Functions.Hosting;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using StackExchange.Redis;

namespace Cosmo.Functions.Messaging;

/// <summary>
/// The failed queue, looked through and worked off. Letters are got without being acknowledged, on a channel of their own; when that closes, the broker puts
/// what is left back where it was. Meanwhile nobody else can see them, so one operation runs at a time, in all processes.
/// Every method throws <see cref="DeadLettersBusyException"/> while another runs, and the exceptions of RabbitMQ and Redis when they are away.
/// </summary>
internal sealed class DeadLetterQueue(RedisConnection redis, IOptions<MessagingOptions> options, TimeProvider clock, ILogger<DeadLetterQueue> logger)
{
    /// <summary>So many, the oldest, are looked at in one operation.</summary>
    public const int MostLetters = 10_000;

    /// <summary>So much of bodies, in bytes, is kept for an answer; the newest win.</summary>
    private const int MostBodyBytes = 8_388_608;

    private static readonly TimeSpan LongestVisit = TimeSpan.FromSeconds(100);
    private static readonly TimeSpan LockExpiry = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    /// <summary>The letters, newest first, and how many lie in the queue.</summary>
    /// <param name="withBodies">With the messages themselves.</param>
    /// <param name="cause">Those of one cause alone; null for all.</param>
    public async Task<DeadLetterList> ListAsync(bool withBodies, string? cause, CancellationToken cancellationToken)
    {
        var letters = new List<(StoredDeadLetter Letter, byte[]? Body)>();
        var (bytes, oldestBody) = (0, 0);
        var count = await VisitAsync(
            (_, letter, got, _) =>
            {
                if (cause is not null && letter.Cause != cause)
                {
                    return Task.FromResult(true);
                }

                letters.Add((letter, withBodies ? got.Body.ToArray() : null));
                for (bytes += withBodies ? got.Body.Length : 0; bytes > MostBodyBytes; oldestBody++)
                {
                    bytes -= letters[oldestBody].Body!.Length;
                    letters[oldestBody] = (letters[oldestBody].Letter, null);
                }

                return Task.FromResult(true);
            },
            cancellationToken);
        letters.Reverse();
        return new DeadLetterList(count, letters);
    }

    /// <summary>Publishes letters anew, with their attempts counted, and takes them out of the queue. Returns how many.</summary>
    public async Task<int> ReplayAsync(Func<StoredDeadLetter, bool> isMeant, CancellationToken cancellationToken)
    {
        var replayed = 0;
        await VisitAsync(
            async (channel, letter, got, token) =>
            {
                if (isMeant(letter))
                {
                    await ReplayAsync(channel, letter, got, token);
                    replayed++;
                }

                return true;
            },
            cancellationToken);
        return replayed;
    }

    /// <summary>The next batch of a replay in several, the oldest letters first. What was replayed is counted in Redis for a day, also by a batch that breaks off.</summary>
    /// <param name="isMeant">Which letters.</param>
    /// <param name="run">Names the replay; a batch that broke off leaves the letters locked for nobody else than its successor.</param>
    /// <param name="most">So many letters at most; at least 1.</param>
    /// <param name="mostWaiting">Nothing is done while more messages than this wait in the queue.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    public async Task<ReplayBatch> ReplayAsync(Func<StoredDeadLetter, bool> isMeant, string run, int most, int mostWaiting, CancellationToken cancellationToken)
    {
        var (done, isFull) = (0, false);
        var replayed = await CountReplayedAsync(run, 0, cancellationToken);
        await VisitAsync(
            async (channel, letter, got, token) =>
            {
                if (!isMeant(letter))
                {
                    return true;
                }

                if (done == 0 && await channel.MessageCountAsync(options.Value.Queue, token) > mostWaiting)
                {
                    isFull = true;
                    return false;
                }

                await ReplayAsync(channel, letter, got, token);
                replayed = await CountReplayedAsync(run, 1, token);
                return ++done < most;
            },
            cancellationToken,
            run);
        return new ReplayBatch(isFull ? BatchState.QueueIsFull : done == most ? BatchState.More : BatchState.NoneLeft, replayed);
    }

    /// <summary>Takes letters out of the queue for good. Returns how many.</summary>
    public async Task<int> DeleteAsync(Func<StoredDeadLetter, bool> isMeant, CancellationToken cancellationToken)
    {
        var deleted = 0;
        await VisitAsync(
            async (channel, letter, got, token) =>
            {
                if (isMeant(letter))
                {
                    await channel.BasicAckAsync(got.DeliveryTag, multiple: false, token);
                    deleted++;
                }

                return true;
            },
            cancellationToken);
        return deleted;
    }

    private async Task ReplayAsync(IChannel channel, StoredDeadLetter letter, BasicGetResult got, CancellationToken cancellationToken)
    {
        // A crash before the letter is taken out makes a second delivery of the same attempt, which is not answered again.
        await channel.BasicPublishAsync(options.Value.Exchange, options.Value.RoutingKey, mandatory: true, letter.ForReplay(got), got.Body, cancellationToken);
        await channel.BasicAckAsync(got.DeliveryTag, multiple: false, cancellationToken);
        logger.DeadLetterReplayed(letter.MessageId ?? "(unknown)", letter.Attempt + 1);
    }

    private async Task<long> CountReplayedAsync(string run, int more, CancellationToken cancellationToken) => (long)await redis.EvaluateAsync(
        "local count = redis.call('INCRBY', KEYS[1], ARGV[1]) redis.call('EXPIRE', KEYS[1], 86400) return count",
        [redis.Prefix + "dead-letters:replayed:" + run],
        [more],
        cancellationToken);

    /// <summary>Shows each letter, oldest first, to a visitor, who may acknowledge it, which takes it out, and says whether to go on. Letters that come meanwhile are not visited.</summary>
    private async Task<uint> VisitAsync(
        Func<IChannel, StoredDeadLetter, BasicGetResult, CancellationToken, Task<bool>> visit, CancellationToken cancellationToken, string? lockedBefore = null)
    {
        using var limit = new TimeLimit(LongestVisit, clock, cancellationToken);
        var lockValue = lockedBefore ?? Guid.NewGuid().ToString("N");
        await LockAsync(lockValue, limit.Token);
        try
        {
            return await VisitLockedAsync(visit, limit.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"The dead letters took longer than {LongestVisit.TotalSeconds} s.", e);
        }
        finally
        {
            await UnlockAsync(lockValue);
        }
    }

    private async Task<uint> VisitLockedAsync(
        Func<IChannel, StoredDeadLetter, BasicGetResult, CancellationToken, Task<bool>> visit, CancellationToken cancellationToken)
    {
        var factory = new ConnectionFactory
        {
            Uri = new Uri(options.Value.RabbitMQUrl),
            ClientProvidedName = "cosmo dead letters",
            AutomaticRecoveryEnabled = false,
            RequestedConnectionTimeout = ConnectTimeout,
            ContinuationTimeout = ConnectTimeout,
        };
        await using var connection = await factory.CreateConnectionAsync(cancellationToken);
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), cancellationToken);
        var count = await channel.MessageCountAsync(options.Value.FailedQueue, cancellationToken);
        for (var number = 0; number < Math.Min(count, MostLetters); number++)
        {
            if (await channel.BasicGetAsync(options.Value.FailedQueue, autoAck: false, cancellationToken) is not { } got)
            {
                break;
            }

            if (!await visit(channel, StoredDeadLetter.Read(got, options.Value.Queue), got, cancellationToken))
            {
                break;
            }
        }

        await channel.CloseAsync(CancellationToken.None);
        return count;
    }

    private RedisKey LockKey => redis.Prefix + "dead-letters:lock";

    private async Task LockAsync(string value, CancellationToken cancellationToken)
    {
        if (!await redis.RunAsync(database => database.StringSetAsync(LockKey, value, LockExpiry, When.NotExists), cancellationToken)
            && await redis.RunAsync(database => database.StringGetAsync(LockKey), cancellationToken) != value)
        {
            throw new DeadLettersBusyException();
        }
    }

    private async Task UnlockAsync(string value)
    {
        try
        {
            await redis.EvaluateAsync(
                "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end", [LockKey], [value], CancellationToken.None);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            // It expires by itself.
            logger.DeadLettersNotUnlocked(e);
        }
    }
}

/// <param name="Count">How many lie in the queue.</param>
/// <param name="Letters">Newest first; a body only where it was asked for and fits.</param>
internal sealed record DeadLetterList(uint Count, IReadOnlyList<(StoredDeadLetter Letter, byte[]? Body)> Letters);

/// <summary>Why a batch of a replay ended.</summary>
internal enum BatchState
{
    /// <summary>It was as large as it may be; there may be more.</summary>
    More,

    /// <summary>All letters that are meant were replayed.</summary>
    NoneLeft,

    /// <summary>Too many messages wait in the queue.</summary>
    QueueIsFull,
}

/// <param name="State">Why it ended.</param>
/// <param name="Replayed">How many letters this replay has put back, in all its batches.</param>
internal sealed record ReplayBatch(BatchState State, long Replayed);

/// <summary>The dead letters are being read or replayed by somebody else.</summary>
internal sealed class DeadLettersBusyException() : Exception("The dead letters are being read or replayed by somebody else.");
