using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;

namespace Cosmo.Functions.Tests.Threads;

public sealed class RedisClusterTests
{
    [Fact]
    public async Task Threads_are_stored_indexed_counted_and_pruned_on_a_cluster()
    {
        await using var cluster = await RedisCluster.StartAsync();
        var room = new ThreadRoom(cluster.Connection);
        for (var i = 0; i < 60; i++)
        {
            await room.WriteAsync($"old-{i}", $"conv_{i}", 100, messages: 2);
        }

        await room.Store.SaveAsync("new", "conv_new", CancellationToken.None);
        await room.Store.CountMessagesAsync("new", ["m"], CancellationToken.None);
        (await cluster.Connection.FindMastersAsync(CancellationToken.None)).Count.ShouldBe(3);
        await room.IndexAllAsync();
        var before = await room.Statistics.ReadAsync(CancellationToken.None);
        var pruned = await room.PruneAsync();
        var after = await room.Statistics.ReadAsync(CancellationToken.None);

        (before.Threads, before.TotalMessages).ShouldBe((61, 121));
        pruned.ShouldBe((60, 0, 0));
        (after.Threads, after.TotalMessages).ShouldBe((1, 1));
        (await room.Store.UseAsync("new", [], CancellationToken.None)).ShouldBe("conv_new");
        await room.Assistant.Received(60).DeleteThreadAsync(Arg.Any<string>(), Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task Updates_are_recorded_and_heard_of_on_a_cluster_whichever_of_its_servers_has_the_channel()
    {
        await using var cluster = await RedisCluster.StartAsync();
        var log = new UpdateLog(cluster.Connection, Options.Create(new DeliveryOptions()), TimeProvider.System);
        var deltas = new DeltaListeners(cluster.Connection, Substitute.For<WebPubSubServiceClient>(), TimeProvider.System, NullLogger<DeltaListeners>.Instance);
        var aliases = new RunAliases(cluster.Connection, TimeProvider.System);
        for (var i = 0; i < 12; i++)
        {
            var address = new MessageAddress($"c-{i}", "m1", 1);
            var heard = new TaskCompletionSource();
            await using var listening = await log.ListenAsync(address.Channel, () => heard.TrySetResult(), CancellationToken.None);
            await deltas.NoteAsync(address.Channel, TimeProvider.System.GetUtcNow(), CancellationToken.None);
            await aliases.RememberRunAsync(address.Channel, "r1", "m1", CancellationToken.None);

            var recorded = await log.RecordAsync(address, Updates.Text(address, "conv_1", "Hello"), once: null, CancellationToken.None);

            await heard.Task.WaitAsync(TimeSpan.FromSeconds(10));
            recorded.ToSend!.DeltasUntil.ShouldNotBeNull();
            (await log.FindNewestAsync(address.Channel, CancellationToken.None)).ShouldBe(recorded.ToSend.Payload.Sequence!.Value);
            (await aliases.FindByRunAsync(address.Channel, "r1", CancellationToken.None)).ShouldBe("m1");
        }
    }
}
