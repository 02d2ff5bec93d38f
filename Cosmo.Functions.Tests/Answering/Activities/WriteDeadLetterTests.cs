using System.Text;
using System.Text.Json.Nodes;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Receiving;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging.Abstractions;
using NSubstitute;

namespace Cosmo.Functions.Tests.Answering.Activities;

/// <summary>The body of a dead letter, which the orchestration's history does not have.</summary>
public sealed class WriteDeadLetterTests : IAsyncLifetime
{
    private static readonly MessageAddress Address = new("c1", "m1", 1);
    private ReceivingRoom _room = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _room = await ReceivingRoom.OpenAsync();

    public ValueTask DisposeAsync() => _room.DisposeAsync();

    [Fact]
    public async Task It_is_the_body_as_it_came_also_when_it_is_written_twice()
    {
        byte[] body = [0xff, 0, .. Encoding.UTF8.GetBytes(new string('x', 100_000))];
        await _room.Turns.TakeAsync(Address, "Hello", body, "instance-1", 20, null, null, Cancellation);

        await WriteAsync(body: null);
        await WriteAsync(body: null);

        foreach (var (headers, written, _) in new[] { await _room.Queue.NextDeadLetterAsync(), await _room.Queue.NextDeadLetterAsync() })
        {
            written.ShouldBe(body);
            headers["x-cosmo-id"].ShouldBe(AnswerStarter.InstanceId(Address));
        }
    }

    [Theory]
    [InlineData("The host stopped.", "The host stopped.")]
    [InlineData(null, "429")]
    public async Task It_says_why_in_what_the_client_was_told_only_where_nothing_better_is_known(string? reason, string told)
    {
        await WriteAsync([1], failure: Failure.From(AssistantFailure.RateLimit, "429") with { Reason = reason });

        (await _room.Queue.NextDeadLetterAsync()).Headers["x-cosmo-reason"].ShouldBe(told);
    }

    [Fact]
    public async Task A_body_that_a_history_has_is_used()
    {
        await WriteAsync("as it was kept before"u8.ToArray());

        (await _room.Queue.NextDeadLetterAsync()).Body.ShouldBe("as it was kept before"u8.ToArray());
    }

    [Fact]
    public async Task A_body_that_Redis_has_lost_is_made_of_what_is_known()
    {
        await WriteAsync(body: null);

        Encoding.UTF8.GetString((await _room.Queue.NextDeadLetterAsync()).Body)
            .ShouldBe("""{"channel":"c1","message_id":"m1","message":"Hello","user":{"id":"ana","roles":["auditor"]}}""");
    }

    [Fact]
    public async Task What_is_known_of_a_message_is_also_its_profile_and_whose_place_it_takes()
    {
        await WriteAsync(body: null, address: Address with { Profile = "sales" }, replaces: "m0");

        var body = JsonNode.Parse((await _room.Queue.NextDeadLetterAsync()).Body)!;
        ((string?)body["profile"], (string?)body["replaces"]).ShouldBe(("sales", "m0"));
    }

    [Theory]
    [InlineData("redis.call('HSET', KEYS[1], 'owner', 'x')")]
    [InlineData("redis.call('SET', KEYS[1], 'not packed')")]
    public async Task A_body_that_another_program_wrote_over_does_not_hold_the_letter_back(string script)
    {
        await _room.Redis.EvaluateAsync(script, [MessageMemory.BodyKey(_room.Redis.Prefix, Address)], [], Cancellation);

        await WriteAsync(body: null);

        Encoding.UTF8.GetString((await _room.Queue.NextDeadLetterAsync()).Body).ShouldStartWith("""{"channel":"c1","message_id":"m1","message":"Hello",""");
    }

    [Fact]
    public async Task While_Redis_is_away_no_letter_is_made_without_the_body_that_it_has()
    {
        await using var nowhere = TestRedis.Nowhere();

        (await Record.ExceptionAsync(() => WriteAsync(body: null, new MessageMemory(nowhere, TimeProvider.System, NullLogger<MessageMemory>.Instance)))).ShouldNotBeNull();

        (await _room.Queue.CountDeadLettersAsync()).ShouldBe(0u);
    }

    [Fact]
    public async Task A_body_is_forgotten_with_the_answer()
    {
        await _room.Turns.TakeAsync(Address, "Hello", [1], "instance-1", 20, null, null, Cancellation);

        await _room.Turns.ReleaseAsync(Address, "instance-1", isAnswered: false, Cancellation);
        (await _room.Memory.FindBodyAsync(Address, Cancellation)).ShouldBe([1]);
        await _room.Turns.ReleaseAsync(Address, "instance-1", isAnswered: true, Cancellation);

        (await _room.Memory.FindBodyAsync(Address, Cancellation)).ShouldBeNull();
    }

    private Task WriteAsync(byte[]? body, MessageMemory? memory = null, Failure? failure = null, MessageAddress? address = null, string? replaces = null) =>
        new WriteDeadLetter(_room.DeadLetters, memory ?? _room.Memory, NullLogger<WriteDeadLetter>.Instance).RunAsync(
            new DeadLetterInput(address ?? Address, body, DeliveryProperties.None, failure ?? Failure.Stalled, "Hello", new Caller("ana", ["auditor"])) { Replaces = replaces },
            Substitute.For<FunctionContext>());
}
