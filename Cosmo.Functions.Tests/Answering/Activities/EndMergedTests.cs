using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Delivery;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;

namespace Cosmo.Functions.Tests.Answering.Activities;

public sealed class EndMergedTests : IAsyncDisposable
{
    private static readonly MessageAddress First = new("channel", "msg-1", 1);
    private static readonly MergedMessage Other = new(First with { MessageId = "msg-2" }, "And in Cebu?", DeliveryProperties.None, DateTimeOffset.UnixEpoch);

    private readonly TestRedis _redis = new();

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Theory]
    [InlineData(false, "completed", "msg-1")]
    [InlineData(true, "error", null)]
    public async Task What_an_answer_was_given_without_ends_as_a_failure_and_is_kept(bool isWithoutThem, string status, string? answeredBy)
    {
        var (clock, delivery, webPubSub) = (new ManualTimeProvider(), Options.Create(new DeliveryOptions()), new RecordingWebPubSub());
        var log = new UpdateLog(_redis.Connection, delivery, clock);
        var updates = new UpdatePublisher(
            log, webPubSub.Unconnected(clock), webPubSub, webPubSub.Listeners(_redis.Connection, clock), delivery, clock, NullLogger<UpdatePublisher>.Instance);
        var turns = new TurnQueue(_redis.Connection, log, Options.Create(new AnsweringOptions()));
        var activity = new EndMerged(turns, log, new MergedEnds(turns, updates, NullLogger<MergedEnds>.Instance));
        await log.RecordAsync(First, Updates.Completed(First, "conv_1", "It is sunny."), once: null, TestContext.Current.CancellationToken);

        var ended = await activity.RunAsync(
            new EndMergedInput(First, "conv_1", Failure.Unexpected("lost"), [Other]) { IsWithoutThem = isWithoutThem }, Substitute.For<FunctionContext>());

        webPubSub.Sent.ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            update => update.MessageId.ShouldBe("msg-2"), update => update.Status.ShouldBe(status), update => update.AnsweredBy.ShouldBe(answeredBy));
        ended.ShouldHaveSingleItem().IsKept.ShouldBe(isWithoutThem);
    }
}
