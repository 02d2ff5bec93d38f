using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Delivery;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cosmo.Functions.Tests.Answering.Activities;

public sealed class ResponseObserverTests : IAsyncDisposable
{
    private static readonly MessageAddress Address = new("channel", "msg-1", 1);

    private readonly TestRedis _redis = new();
    private readonly RecordingPublisher _updates = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task A_call_has_begun_that_was_claimed_and_one_may_have_where_Redis_cannot_be_asked()
    {
        await using var nowhere = TestRedis.Nowhere();
        await Memory(_redis.Connection).ClaimCallAsync(Address, "call_1", Cancellation);

        var observer = Observer(_redis.Connection);
        (await Task.WhenAll(observer.HasBegunAsync("call_1"), observer.HasBegunAsync("call_2"), Observer(nowhere).HasBegunAsync("call_2"))).ShouldBe([true, false, true]);
    }

    [Fact]
    public async Task That_the_service_is_asked_again_need_not_be_told()
    {
        _updates.Gate = Task.FromException(new TimeoutException("away"));

        await Observer(_redis.Connection).RetryingAsync();

        _updates.Published.TryRead(out var update).ShouldBeTrue();
        update!.Status.ShouldBe("retrying");
    }

    private static MessageMemory Memory(RedisConnection redis) => new(redis, TimeProvider.System, NullLogger<MessageMemory>.Instance);

    /// <summary>Of a response of which nothing is shown.</summary>
    private ResponseObserver Observer(RedisConnection redis) =>
        new(Address, "conv_1", 0, null, _updates, Memory(redis), null!, null!, TimeProvider.System, NullLogger.Instance, Cancellation);
}
