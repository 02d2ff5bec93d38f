using Azure;
using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Access;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Delivery;

/// <summary>
/// Keeps others than its owner out of a channel's groups, where channels have owners. Who got the address of the channel before it was another's may connect with it again
/// for as long as its token lives; so others are taken out when the owner changes, and again every few seconds until those tokens have ended.
/// </summary>
internal sealed class GroupKeeper(
    ChannelOwners owners, WebPubSubServiceClient webPubSub, IOptions<AccessOptions> access, IOptions<DeliveryOptions> options, TimeProvider clock, ILogger<GroupKeeper> logger)
    : BackgroundService
{
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RemovalLimit = TimeSpan.FromSeconds(5);

    /// <summary>Gives the channel to the user whom a trusted producer's message names, where it has no owner yet or one for now, and does so before anything is said of the message.</summary>
    /// <exception cref="RedisException">Redis is away.</exception>
    /// <exception cref="TimeoutException">Redis does not answer.</exception>
    public async Task<ChannelOwner?> NameOwnerAsync(string channel, Caller user, CancellationToken cancellationToken)
    {
        var owner = await owners.NameAsync(channel, user, cancellationToken);
        await (owner is null ? Task.CompletedTask : SettleAsync(owner, cancellationToken));
        return owner;
    }

    /// <summary>Takes others out of the group of a channel that has not been its owner's for long.</summary>
    /// <exception cref="RedisException">Redis is away.</exception>
    /// <exception cref="TimeoutException">Redis does not answer.</exception>
    public async Task SettleAsync(ChannelOwner owner, CancellationToken cancellationToken)
    {
        if (!owner.IsUnsettled)
        {
            return;
        }

        if (await RemoveOthersAsync(owner.Channel, owner.Name, cancellationToken) is not 0 || owner.HadAnother)
        {
            await owners.WatchAsync(owner.Channel, clock.GetUtcNow() + TimeSpan.FromMinutes(options.Value.TokenMinutes), cancellationToken);
        }

        await owners.SettleAsync(owner, cancellationToken);
    }

    /// <summary>The same before its owner gets the address of the channel; the answer if Redis is away.</summary>
    public async Task<IActionResult?> RefuseUnsettledAsync(ChannelOwner? owner, CancellationToken cancellationToken)
    {
        try
        {
            await (owner is null ? Task.CompletedTask : SettleAsync(owner, cancellationToken));
            return null;
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.GroupsNotKept(e);
            return HttpAnswers.RedisProblem(e, "The connection could not be negotiated.");
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!access.Value.IsByOwner)
        {
            return;
        }

        using var timer = new PeriodicTimer(Turn, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await RunTurnAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                logger.GroupsNotKept(e);
            }
        }
    }

    private async Task RunTurnAsync(CancellationToken cancellationToken)
    {
        foreach (var channel in await owners.TakeWatchedAsync(Turn * 0.8, cancellationToken))
        {
            if (await owners.FindAsync(channel, cancellationToken) is { } owner)
            {
                await RemoveOthersAsync(channel, owner, cancellationToken);
            }
        }
    }

    /// <summary>How many were taken out; null where Web PubSub does not do it now.</summary>
    private async Task<int?> RemoveOthersAsync(string channel, string owner, CancellationToken cancellationToken)
    {
        using var limit = new TimeLimit(RemovalLimit, clock, cancellationToken);
        try
        {
            // Not every part of the client heeds the token.
            var removed = await Task.WhenAll(((string[])[GroupName.For(channel), GroupName.ForDeltas(channel)]).Select(group => RemoveAllButAsync(owner, group, limit.Token)))
                .WaitAsync(limit.Token);
            return removed.Sum();
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.OthersNotRemoved(e);
            return null;
        }
    }

    private async Task<int> RemoveAllButAsync(string owner, string group, CancellationToken cancellationToken)
    {
        var removed = 0;
        await foreach (var member in webPubSub.ListConnectionsInGroupAsync(group).WithCancellation(cancellationToken))
        {
            if (ConnectionIdentity.FromUserId(member.UserId)?.Name != owner)
            {
                await webPubSub.RemoveConnectionFromGroupAsync(group, member.ConnectionId, new RequestContext { CancellationToken = cancellationToken });
                removed++;
            }
        }

        return removed;
    }
}
