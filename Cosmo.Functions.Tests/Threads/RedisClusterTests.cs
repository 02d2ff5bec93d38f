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
        (await room.Store.FindAsync("new", CancellationToken.None)).ShouldBe("conv_new");
        await room.Assistant.Received(60).DeleteThreadAsync(Arg.Any<string>(), Arg.Any<CancellationToken>());
    }
}
