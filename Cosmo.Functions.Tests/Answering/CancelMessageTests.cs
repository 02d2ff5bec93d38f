using System.Text.Json;
using Cosmo.Functions.Access;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Grpc.Core;
using Microsoft.AspNetCore.Mvc;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging.Abstractions;
using NSubstitute;
using NSubstitute.ExceptionExtensions;

namespace Cosmo.Functions.Tests.Answering;

/// <summary>What is answered to a wish to cancel over HTTP, and whom it reaches.</summary>
public sealed class CancelMessageTests : IAsyncDisposable
{
    private static readonly MessageAddress Address = new("team/a", "m/1", 1);

    private readonly AnswerRoom _room = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _room.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_message_that_is_under_way_is_told_wherever_it_is_and_its_orchestration_where_it_is_here(bool isHere)
    {
        var instanceId = await _room.TakeAsync(Address);
        if (isHere)
        {
            _room.Know(Address, OrchestrationRuntimeStatus.Running);
        }

        var told = (JsonResult)await CancelAsync();

        (told.StatusCode, JsonSerializer.Serialize(told.Value)).ShouldBe((202, """{"status":"cancelling"}"""));
        (await IsCancelledAsync(instanceId)).ShouldBeTrue();
        await _room.Client.Received(isHere ? 1 : 0).RaiseEventAsync(instanceId, AnswerMessage.CancelRequested, true, Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task One_that_ended_between_two_looks_is_told_nothing()
    {
        var instanceId = await _room.TakeAsync(Address);
        _room.Know(Address, OrchestrationRuntimeStatus.Completed);
        _room.Client.GetInstanceAsync(instanceId, Arg.Any<bool>(), Arg.Any<CancellationToken>()).Returns((OrchestrationMetadata?)null);

        ((JsonResult)await CancelAsync()).StatusCode.ShouldBe(202);

        await _room.Client.DidNotReceive().RaiseEventAsync(Arg.Any<string>(), Arg.Any<string>(), Arg.Any<object?>(), Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task Of_several_attempts_at_a_message_the_newest_is_cancelled()
    {
        var first = await _room.TakeAsync(Address);
        var second = await _room.TakeAsync(Address with { Attempt = 2 });

        ((JsonResult)await CancelAsync()).StatusCode.ShouldBe(202);

        ((await IsCancelledAsync(first)), (await IsCancelledAsync(second))).ShouldBe((false, true));
    }

    [Fact]
    public async Task Of_a_message_that_is_asked_together_with_another_that_one_is_cancelled()
    {
        var leader = Address with { MessageId = "m/0" };
        await _room.MergeAsync(leader, Address);

        ((JsonResult)await CancelAsync()).StatusCode.ShouldBe(202);

        (await IsCancelledAsync(AnswerStarter.InstanceId(leader))).ShouldBeTrue();
        (await IsCancelledAsync(AnswerStarter.InstanceId(Address))).ShouldBeFalse();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_over_says_so(bool isInStore)
    {
        var instanceId = await _room.TakeAsync(Address);
        if (isInStore)
        {
            _room.Know(Address, OrchestrationRuntimeStatus.Terminated);
        }
        else
        {
            await _room.LogOn(_room.Redis).RecordAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), null, Cancellation);
        }

        (await CancelAsync()).Told().ShouldBe((409, "The message is over", "It has had its final update; there is nothing to cancel."));

        (await IsCancelledAsync(instanceId)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_message_that_never_came_is_not_known() =>
        (await CancelAsync()).Told().ShouldBe((404, "No such message", "The channel has had no message of this id within a day."));

    [Theory]
    [InlineData(" ", "m1", "Not a channel")]
    [InlineData("c1", " ", "Not a message")]
    public async Task A_route_that_names_no_message_is_refused_to_operators_too(string channel, string messageId, string title)
    {
        var (status, told, _) = (await CancelAsync(channel, messageId)).Told();
        (status, told).ShouldBe((400, title));
        (status, told, _) = (await Function(_room.Redis).RunAsOperatorAsync(_room.Asking(), channel, messageId, _room.Client, _room.Context)).Told();
        (status, told).ShouldBe((400, title));
    }

    [Fact]
    public async Task Who_may_not_listen_cancels_nothing_and_an_operator_may_wherever()
    {
        var instanceId = await _room.TakeAsync(Address);
        await using var strict = new AnswerRoom(new AccessOptions { Mode = "owner" });

        (await Function(_room.Redis, strict.Access.Channels).RunAsync(_room.Asking(), "team%2Fa", "m%2F1", _room.Client, _room.Context)).Told().Status.ShouldBe(401);
        (await IsCancelledAsync(instanceId)).ShouldBeFalse();

        ((JsonResult)await Function(_room.Redis, strict.Access.Channels).RunAsOperatorAsync(_room.Asking(), "team%2Fa", "m%2F1", _room.Client, _room.Context)).StatusCode.ShouldBe(202);
        (await IsCancelledAsync(instanceId)).ShouldBeTrue();
    }

    [Fact]
    public async Task Without_Redis_or_the_Durable_store_it_is_to_be_tried_again()
    {
        await using var nowhere = TestRedis.Nowhere();
        (await CancelAsync(redis: nowhere)).Told().ShouldBe((503, "Redis is not available", "The message could not be cancelled. Please try again in a moment."));

        await _room.TakeAsync(Address);
        _room.Client.GetInstanceAsync(Arg.Any<string>(), Arg.Any<bool>(), Arg.Any<CancellationToken>()).ThrowsAsync(new RpcException(new Status(StatusCode.Unavailable, "")));
        (await CancelAsync()).Told().ShouldBe((503, "The Durable store is not available", "It is not sure that the message is cancelled. Please try again in a moment."));
    }

    private async Task<bool> IsCancelledAsync(string instanceId)
    {
        using var signals = AnswerRoom.SignalsOn(_room.Redis);
        return await signals.IsCancelledAsync(Address.Channel, instanceId, Cancellation);
    }

    private CancelMessage Function(RedisConnection redis, ChannelAccess? access = null) => new(
        access ?? _room.Access.Channels,
        _room.CancellationOn(redis),
        NullLogger<CancelMessage>.Instance);

    private Task<IActionResult> CancelAsync(string channel = "team%2Fa", string messageId = "m%2F1", RedisConnection? redis = null) =>
        Function(redis ?? _room.Redis).RunAsync(_room.Asking(), channel, messageId, _room.Client, _room.Context);
}
