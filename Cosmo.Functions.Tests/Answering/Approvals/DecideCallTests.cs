using Cosmo.Functions.Answering.Approvals;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cosmo.Functions.Tests.Answering.Approvals;

/// <summary>What is answered to a decision over HTTP.</summary>
public sealed class DecideCallTests : IAsyncDisposable
{
    private static readonly MessageAddress Address = new("team/a", "msg/1", 1);

    private readonly AnswerRoom _room = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _room.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_first_decision_is_taken_with_who_made_it_and_the_next_comes_too_late(bool isApproved)
    {
        await OpenAsync();
        await SignInAsync();
        var body = $$"""{"approved": {{(isApproved ? "true" : "false")}}, "reason": "So."}""";

        var taken = (JsonResult)await DecideAsync(body);
        var late = await DecideAsync(body);

        (taken.StatusCode, System.Text.Json.JsonSerializer.Serialize(taken.Value)).ShouldBe((202, $$"""{"approved":{{(isApproved ? "true" : "false")}}}"""));
        late.Told().ShouldBe((409, "Decided already", "Somebody has decided on this call, or it is over."));
        (await Desk(_room.Redis).FindAsync(Address, "call/1", Cancellation)).ShouldBe(new ApprovalDecision(isApproved, "So.", "backend:ana"));
    }

    [Fact]
    public async Task A_call_that_nobody_asked_about_is_not_known()
    {
        await SignInAsync();

        (await DecideAsync()).Told().ShouldBe((404, "No such call", "No call of this id waits, or waited, for a decision."));
    }

    [Theory]
    [InlineData(" ", "msg-1", "call_1", "Not a channel")]
    [InlineData("c1", " ", "call_1", "Not a message")]
    [InlineData("c1", "msg-1", "~", "Not a message")]
    public async Task A_route_that_names_no_call_is_refused(string channel, string messageId, string callId, string title)
    {
        var (status, told, _) = (await DecideAsync(channel: channel, messageId: messageId, callId: callId)).Told();

        (status, told).ShouldBe((400, title));
    }

    [Fact]
    public async Task A_stranger_never_decides_also_where_channels_are_open()
    {
        await OpenAsync();

        (await DecideAsync()).Told().Status.ShouldBe(401);

        (await Desk(_room.Redis).FindAsync(Address, "call/1", Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task What_is_no_decision_is_refused_with_a_reason()
    {
        await SignInAsync();

        (await DecideAsync("{}")).Told().ShouldBe((400, "Not a decision", "Field 'approved' must be true or false."));
        (await DecideAsync(new string(' ', 65_537))).Told().Status.ShouldBe(413);
    }

    [Fact]
    public async Task Without_Redis_it_is_to_be_tried_again()
    {
        await using var nowhere = TestRedis.Nowhere();
        await SignInAsync();

        (await DecideAsync(redis: nowhere)).Told().ShouldBe((503, "Redis is not available", "The decision was not taken. Please try again in a moment."));
    }

    private ApprovalDesk Desk(RedisConnection redis) => new(redis, _room.TurnsOn(redis), _room.LogOn(redis), NullLogger<ApprovalDesk>.Instance);

    /// <summary>A message has the turn, and a call of it waits for a person.</summary>
    private async Task OpenAsync()
    {
        await _room.TakeAsync(Address);
        await Desk(_room.Redis).OpenAsync(Address, "call/1", Cancellation);
    }

    private Task SignInAsync() => _room.SignInAsync("ana", Address.Channel);

    private Task<IActionResult> DecideAsync(
        string body = """{"approved": true}""", string channel = "team%2Fa", string messageId = "msg%2F1", string callId = "call%2F1", RedisConnection? redis = null) =>
        new DecideCall(_room.Access.Channels, Desk(redis ?? _room.Redis), NullLogger<DecideCall>.Instance).RunAsync(_room.Asking(body), channel, messageId, callId, _room.Client, _room.Context);
}
