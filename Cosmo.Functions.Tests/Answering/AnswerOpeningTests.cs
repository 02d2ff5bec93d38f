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
        await using var nowhere = new RedisConnection(Options.Create(new RedisOptions { Url = "redis://127.0.0.1:1", CallTimeoutSeconds = 1 }));
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

    private async Task<string?> OpenAsync(string runId, string? replaced = null, string? untold = null) =>
        (await Opening(_redis.Connection, _threads, TimeProvider.System).OpenAsync(Input(runId, untold), replaced, _client, Cancellation)).ThreadId;

    private static RunInput Input(string runId, string? untold) => new(
        Address, "instance-1", runId, HasStarted: untold is null, null, untold, [], Caller.Anonymous, 0, DateTimeOffset.MaxValue, DateTimeOffset.MaxValue, DateTimeOffset.UnixEpoch, null);

    private AnswerOpening Opening(RedisConnection redis, ThreadRoom threads, TimeProvider clock)
    {
        // Every try of a Redis that is away takes its time, so the patience is short.
        var options = Options.Create(new AnsweringOptions { FirstEventSeconds = 3 });
        var turns = new TurnQueue(redis, new UpdateLog(redis, Options.Create(new DeliveryOptions()), clock), options);
        return new AnswerOpening(
            turns,
            threads.Store,
            threads.Assistant,
            _updates,
            new MergedEnds(turns, _updates, NullLogger<MergedEnds>.Instance),
            new Replacement(threads.Assistant, new MessageHistory(redis, Options.Create(new ThreadOptions()), clock), NullLogger<Replacement>.Instance),
            options,
            clock,
            NullLogger<AnswerOpening>.Instance);
    }
}
