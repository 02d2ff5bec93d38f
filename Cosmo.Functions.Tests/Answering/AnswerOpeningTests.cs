using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Delivery;
using Cosmo.Functions.Tests.Threads;
using Cosmo.Functions.Threads;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using NSubstitute.ExceptionExtensions;
using StackExchange.Redis;

namespace Cosmo.Functions.Tests.Answering;

public sealed class AnswerOpeningTests : IAsyncDisposable
{
    private static readonly MessageAddress Address = new("channel", "msg-1", 1);

    private readonly TestRedis _redis = new();
    private readonly RecordingPublisher _updates = new();
    private readonly DurableTaskClient _client = Substitute.For<DurableTaskClient>("test");
    private readonly ThreadRoom _threads;

    public AnswerOpeningTests()
    {
        _threads = new ThreadRoom(_redis.Connection);
        _threads.Assistant.CreateThreadAsync(Arg.Any<Func<Task>?>(), Arg.Any<CancellationToken>()).Returns("conv_new");
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task A_channel_without_a_thread_gets_one_and_keeps_it()
    {
        (await OpenAsync("run-1")).ShouldBe("conv_new");

        (await _threads.Store.UseAsync("channel", [], Cancellation)).ShouldBe("conv_new");
        (await OpenAsync("run-1")).ShouldBe("conv_new");
        _threads.Assistant.ReceivedCalls().ShouldHaveSingleItem();
        (await _threads.Reader.ReadAsync("channel", Cancellation)).Metadata!.Messages.ShouldBe(1);
    }

    [Fact]
    public async Task A_thread_that_is_gone_is_replaced_once()
    {
        await _threads.Store.SaveAsync("channel", "conv_gone", Cancellation);

        (await OpenAsync("run-1", replaced: "conv_gone")).ShouldBe("conv_new");
        (await OpenAsync("run-1", replaced: "conv_gone")).ShouldBe("conv_new");
        _threads.Assistant.ReceivedCalls().ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Where_messages_are_merged_those_that_wait_begin_with_it_and_are_counted(bool merges)
    {
        foreach (var messageId in (string[])["msg-1", "msg-2"])
        {
            var address = Address with { MessageId = messageId };
            var ticket = MergeTicket.Of(address, new ChatMessage("channel", messageId, "Hi", Caller.Anonymous), DeliveryProperties.None, DateTimeOffset.UnixEpoch);
            await Turns(_redis.Connection, TimeProvider.System).TakeAsync(address, "Hi", [], messageId == "msg-1" ? "instance-1" : messageId, 20, null, ticket, Cancellation);
        }

        var opened = await Opening(_redis.Connection, _threads, TimeProvider.System).OpenAsync(Input("run-1", null) with { Merges = merges }, null, _client, Cancellation);
        await opened.Counting;

        opened.Merged?.Select(message => message.Address.MessageId).ShouldBe(["msg-2"]);
        (opened.Merged is not null).ShouldBe(merges);
        _updates.Published.TryRead(out var started).ShouldBe(merges);
        started?.MessageId.ShouldBe("msg-2");
        await _client.Received(merges ? 1 : 0).RaiseEventAsync(AnswerStarter.InstanceId(Address with { MessageId = "msg-2" }), AnswerMessage.TurnGranted, true, Arg.Any<CancellationToken>());
        await _client.Received(merges ? 1 : 0).RaiseEventAsync(
            "instance-1", AnswerMessage.MessagesMerged, Arg.Is<IReadOnlyList<MergedMessage>>(merged => merged.Single().Address.MessageId == "msg-2"), Arg.Any<CancellationToken>());
        (await _threads.Reader.ReadAsync("channel", Cancellation)).Metadata!.Messages.ShouldBe(merges ? 2 : 1);
    }

    [Fact]
    public async Task Where_nothing_waits_to_be_merged_the_orchestration_is_told_of_nothing()
    {
        await Opening(_redis.Connection, _threads, TimeProvider.System).OpenAsync(Input("run-1", null) with { Merges = true }, null, _client, Cancellation);

        _client.ReceivedCalls().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_thread_that_another_program_has_made_is_in_the_index_once_it_is_used()
    {
        await _threads.WriteAsync("channel", "conv_theirs", days: 1);

        (await OpenAsync("run-1")).ShouldBe("conv_theirs");

        (await _threads.Index.FindThreadAsync("channel", Cancellation)).ShouldBe("conv_theirs");
    }

    [Fact]
    public async Task A_thread_that_is_being_removed_is_not_taken()
    {
        await _threads.Store.SaveAsync("channel", "conv_leaving", Cancellation);
        await _threads.Index.TryClaimAsync("channel", double.MaxValue, isForced: true, Cancellation);

        (await OpenAsync("run-1")).ShouldBe("conv_new");
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    public async Task What_a_message_replaces_is_taken_out_of_the_thread_that_there_is(bool hasThread, int times)
    {
        await (hasThread ? _threads.Store.SaveAsync("channel", "conv_1", Cancellation) : Task.CompletedTask);

        await Opening(_redis.Connection, _threads, TimeProvider.System).OpenAsync(Input("run-1", null) with { Replaces = "msg-0" }, null, _client, Cancellation);

        await _threads.Assistant.Received(times).ReadAsync("conv_1", Arg.Any<string?>(), Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task A_thread_that_was_made_stays_the_one_however_often_Redis_must_be_asked_to_keep_it()
    {
        await using var flaky = FlakyRedis("abandoned", failures: 1);
        var threads = new ThreadRoom(flaky);
        threads.Assistant.CreateThreadAsync(Arg.Any<Func<Task>?>(), Arg.Any<CancellationToken>()).Returns("conv_1", "conv_2");

        var opened = await Opening(flaky, threads, new ManualTimeProvider { SkipUpTo = TimeSpan.FromMinutes(1) }).OpenAsync(Input("run-1", null), null, _client, Cancellation);

        opened.ThreadId.ShouldBe("conv_1");
        (await _threads.Store.UseAsync("channel", [], Cancellation)).ShouldBe("conv_1");
    }

    [Fact]
    public async Task Messages_that_cannot_be_counted_are_answered_all_the_same()
    {
        await _threads.Store.SaveAsync("channel", "conv_1", Cancellation);
        await using var flaky = FlakyRedis("'SET', KEYS[1], ARGV[2]", failures: int.MaxValue);

        var opened = await Opening(flaky, new ThreadRoom(flaky), new ManualTimeProvider { SkipUpTo = TimeSpan.FromMinutes(1) }).OpenAsync(Input("run-1", null), null, _client, Cancellation);
        await opened.Counting;

        opened.ThreadId.ShouldBe("conv_1");
        (await _threads.Reader.ReadAsync("channel", Cancellation)).Metadata!.Messages.ShouldBe(0);
    }

    [Fact]
    public async Task That_an_answer_starts_is_said_once_by_whichever_activity()
    {
        var updates = Substitute.For<IUpdatePublisher>();

        await Opening(_redis.Connection, _threads, TimeProvider.System, updates).OpenAsync(Input("run-1", "Hi"), null, _client, Cancellation);

        await updates.Received(1).PublishAsync(Address, Arg.Is<UpdatePayload>(update => update.Status == "started"), "started", Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task A_message_that_another_orchestration_has_is_a_duplicate()
    {
        await OpenAsync("run-1");

        (await OpenAsync("run-2")).ShouldBeNull();
    }

    [Theory]
    [InlineData("Hi", 1)]
    [InlineData(null, 0)]
    public async Task The_client_is_told_of_the_start_unless_it_has_been(string? untold, int times)
    {
        await OpenAsync("run-1", untold: untold);

        for (var i = 0; i < times; i++)
        {
            _updates.Published.TryRead(out var update).ShouldBeTrue();
            (update!.Status, update.Question).ShouldBe(("started", "Hi"));
        }

        _updates.Published.TryRead(out _).ShouldBeFalse();
    }

    [Fact]
    public async Task A_service_that_makes_no_thread_is_what_fails()
    {
        _threads.Assistant.CreateThreadAsync(Arg.Any<Func<Task>?>(), Arg.Any<CancellationToken>()).ThrowsAsync(new AssistantException(AssistantFailure.RateLimit, "429"));

        (await Should.ThrowAsync<AssistantException>(() => OpenAsync("run-1"))).Failure.ShouldBe(AssistantFailure.RateLimit);
    }

    [Fact]
    public async Task A_Redis_that_stays_away_is_an_outage_after_the_patience()
    {
        await using var nowhere = TestRedis.Nowhere();
        var clock = new ManualTimeProvider { SkipUpTo = TimeSpan.FromMinutes(1) };

        var error = await Record.ExceptionAsync(() => Opening(nowhere, new ThreadRoom(nowhere), clock).OpenAsync(Input("run-1", null), null, _client, Cancellation));

        Failure.Redis(error.ShouldNotBeNull()).Cause.ShouldBe("redis");
    }

    [Fact]
    public async Task A_thread_key_of_another_type_is_a_failure_at_once_that_is_no_outage()
    {
        await _redis.Connection.RunAsync(database => database.HashSetAsync($"{_redis.Prefix}thread:{Address.Channel}", "owner", "x"), TestContext.Current.CancellationToken);

        var error = await Record.ExceptionAsync(() => Opening(_redis.Connection, _threads, new ManualTimeProvider()).OpenAsync(Input("run-1", null), null, _client, Cancellation));

        Failure.Redis(error.ShouldNotBeNull()).ShouldSatisfyAllConditions(
            failure => failure.Cause.ShouldBe("redis_refuses"),
            failure => failure.IsOutage.ShouldBeFalse(),
            failure => failure.Sentence.ShouldBe("I encountered an issue while processing your request."),
            failure => failure.Details.ShouldBe("Redis refused a command"));
    }

    private async Task<string?> OpenAsync(string runId, string? replaced = null, string? untold = null)
    {
        var opened = await Opening(_redis.Connection, _threads, TimeProvider.System).OpenAsync(Input(runId, untold), replaced, _client, Cancellation);
        await opened.Counting;
        return opened.ThreadId;
    }

    private static RunInput Input(string runId, string? untold) => new(
        Address, "instance-1", runId, HasStarted: untold is null, null, untold, [], Caller.Anonymous, 0, DateTimeOffset.MaxValue, DateTimeOffset.MaxValue, DateTimeOffset.UnixEpoch, null);

    // Every try of a Redis that is away takes its time, so the patience is short.
    private static IOptions<AnsweringOptions> Patience => Options.Create(new AnsweringOptions { FirstEventSeconds = 3 });

    private static TurnQueue Turns(RedisConnection redis, TimeProvider clock) => new(redis, new UpdateLog(redis, Options.Create(new DeliveryOptions()), clock), Patience);

    private AnswerOpening Opening(RedisConnection redis, ThreadRoom threads, TimeProvider clock, IUpdatePublisher? updates = null)
    {
        var turns = Turns(redis, clock);
        return new AnswerOpening(
            turns,
            threads.Store,
            threads.Assistant,
            updates ?? _updates,
            new MergedEnds(turns, _updates, NullLogger<MergedEnds>.Instance),
            new Replacement(threads.Assistant, new MessageHistory(redis, Options.Create(new ThreadOptions()), clock), NullLogger<Replacement>.Instance),
            Patience,
            clock,
            NullLogger<AnswerOpening>.Instance);
    }

    /// <summary>Does not carry out a script at first.</summary>
    /// <param name="script">What stands in the script.</param>
    /// <param name="failures">How often.</param>
    private InterceptedRedis FlakyRedis(string script, int failures) =>
        new(_redis.Prefix, script, () => Interlocked.Decrement(ref failures) >= 0 ? throw new TimeoutException("away") : Task.CompletedTask);
}
