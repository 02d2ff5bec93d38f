using Azure;
using Azure.Core;
using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Assistants;
using Cosmo.Functions.Tests.Delivery;
using Cosmo.Functions.Threads;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using NSubstitute.ExceptionExtensions;

namespace Cosmo.Functions.Tests.Answering.Activities;

public sealed class FailAnswerTests : IAsyncDisposable
{
    private readonly TestRedis _redis = new();

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task A_Web_PubSub_that_stays_away_holds_the_turn_for_one_patience_alone()
    {
        var clock = new ManualTimeProvider { SkipUpTo = TimeSpan.FromSeconds(5) };
        var delivery = Options.Create(new DeliveryOptions());
        var webPubSub = Substitute.For<WebPubSubServiceClient>();
        webPubSub.SendToGroupAsync(
            Arg.Any<string>(), Arg.Any<RequestContent>(), Arg.Any<ContentType>(), Arg.Any<IEnumerable<string>?>(), Arg.Any<string?>(), Arg.Any<RequestContext?>())
            .ThrowsAsync(new RequestFailedException(503, "away"));
        var log = new UpdateLog(_redis.Connection, delivery, clock);
        var begun = clock.GetUtcNow();

        var isAnswered = await Failing(log, webPubSub, clock).RunAsync(
            new FailInput(new MessageAddress("channel", "msg-1", 1), "instance-1", HasBegun: true, null, Failure.Stalled, begun),
            Substitute.For<DurableTaskClient>("test"),
            Substitute.For<FunctionContext>());

        isAnswered.ShouldBeFalse();
        (clock.GetUtcNow() - begun).ShouldBeInRange(TimeSpan.FromSeconds(25), TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_call_that_died_with_its_worker_is_said_to_have_failed_before_the_end()
    {
        var clock = new ManualTimeProvider();
        var delivery = Options.Create(new DeliveryOptions());
        var webPubSub = new RecordingWebPubSub();
        var log = new UpdateLog(_redis.Connection, delivery, clock);
        var updates = new UpdatePublisher(log, webPubSub.Unconnected(clock), webPubSub, webPubSub.Listeners(_redis.Connection, clock), delivery, clock, NullLogger<UpdatePublisher>.Instance);
        var address = new MessageAddress("channel", "msg-1", 1);
        var cancellation = TestContext.Current.CancellationToken;
        await updates.TellToolAsync(address, "conv_1", new("call_1", "get_weather", "running"), cancellation);
        await updates.TellToolAsync(address, "conv_1", new("call_1", "get_weather", "done", 0.2), cancellation);
        await updates.TellToolAsync(address, "conv_1", new("call_2", "get_user_role", "running"), cancellation);
        await updates.TellToolAsync(address with { MessageId = "msg-2" }, "conv_1", new("call_3", "get_weather", "running"), cancellation);

        await Failing(log, webPubSub, clock).RunAsync(
            new FailInput(address, "instance-1", HasBegun: true, "conv_1", Failure.Stalled, clock.GetUtcNow()), Substitute.For<DurableTaskClient>("test"), Substitute.For<FunctionContext>());

        webPubSub.Sent.Skip(4).Select(update => (update.Type, update.Tool)).ShouldBe([("tool", new("call_2", "get_user_role", "failed")), ("timeout", null)]);
    }

    private FailAnswer Failing(UpdateLog log, WebPubSubServiceClient webPubSub, TimeProvider clock)
    {
        var turns = new TurnQueue(_redis.Connection, log, Options.Create(new AnsweringOptions()));
        var updates = new UpdatePublisher(log, new PublisherConnection(webPubSub, clock, NullLogger<PublisherConnection>.Instance), webPubSub, new DeltaListeners(_redis.Connection, webPubSub, clock, NullLogger<DeltaListeners>.Instance), Options.Create(new DeliveryOptions()), clock, NullLogger<UpdatePublisher>.Instance);
        return new FailAnswer(
            updates,
            log,
            Substitute.For<IAssistant>(),
            new ThreadReader(_redis.Connection),
            TestProfiles.BuiltIn,
            new MessageMemory(_redis.Connection, clock, NullLogger<MessageMemory>.Instance),
            new MessageHistory(_redis.Connection, Options.Create(new ThreadOptions()), clock),
            turns,
            new MergedEnds(turns, updates, NullLogger<MergedEnds>.Instance),
            new TurnRelease(turns, clock, NullLogger<TurnRelease>.Instance),
            clock,
            NullLogger<FailAnswer>.Instance);
    }
}
