using Azure;
using Azure.Core;
using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Assistants;
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
        var turns = new TurnQueue(_redis.Connection, log, Options.Create(new AnsweringOptions()));
        var begun = clock.GetUtcNow();

        var isAnswered = await new FailAnswer(
            new UpdatePublisher(log, webPubSub, delivery, clock, NullLogger<UpdatePublisher>.Instance),
            log,
            Substitute.For<IAssistant>(),
            TestProfiles.BuiltIn,
            new MessageMemory(_redis.Connection, clock, NullLogger<MessageMemory>.Instance),
            new TurnRelease(turns, NullLogger<TurnRelease>.Instance),
            clock,
            NullLogger<FailAnswer>.Instance).RunAsync(
                new FailInput(new MessageAddress("channel", "msg-1", 1), "instance-1", null, Failure.Stalled, begun),
                Substitute.For<DurableTaskClient>("test"),
                Substitute.For<FunctionContext>());

        isAnswered.ShouldBeFalse();
        (clock.GetUtcNow() - begun).ShouldBeInRange(TimeSpan.FromSeconds(25), TimeSpan.FromSeconds(30));
    }
}
