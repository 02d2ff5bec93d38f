using System.Text.Json;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Timelines;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using DurableTask.Core.History;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Options;
using NSubstitute;

namespace Cosmo.Functions.Tests.Answering;

/// <summary>Which orchestration and which updates are told of.</summary>
public sealed class TimelineReaderTests : IAsyncDisposable
{
    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly DurableTaskClient _client = Substitute.For<DurableTaskClient>("test");
    private readonly UpdateLog _log;
    private readonly TurnQueue _turns;

    public TimelineReaderTests()
    {
        _log = new UpdateLog(_redis.Connection, Options.Create(new DeliveryOptions()), _clock);
        _turns = new TurnQueue(_redis.Connection, _log, Options.Create(new AnsweringOptions()));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Theory]
    [InlineData(1, 1, "error")]
    [InlineData(2, 2, "completed")]
    [InlineData(null, 2, "completed")]
    public async Task Of_several_attempts_the_newest_is_told_unless_another_is_asked_for_each_with_its_own_updates(int? asked, int told, string status)
    {
        await AnswerAsync(new("channel", "msg-1", 1), "error");
        await AnswerAsync(new("channel", "msg-2", 1), "completed");
        await AnswerAsync(new("channel", "msg-1", 2), "completed");

        var timeline = (await ReadAsync("msg-1", asked))!;

        (timeline.Attempt, timeline.InstanceId, timeline.Status).ShouldBe((told, AnswerStarter.InstanceId(new("channel", "msg-1", told)), "completed"));
        timeline.Updates!.Select(update => update.Status).ShouldBe(["started", status]);
    }

    [Fact]
    public async Task Where_the_history_does_not_say_when_it_came_the_orchestration_s_age_does()
    {
        await AnswerAsync(new("channel", "msg-1", 1), "error");
        await AnswerAsync(new("channel", "msg-1", 2), "completed", knowsInput: false);

        (await ReadAsync("msg-1", 2))!.Updates!.Select(update => update.Status).ShouldBe(["started", "completed"]);
    }

    [Fact]
    public async Task What_Redis_knows_no_attempt_of_is_looked_up_as_the_first_and_what_the_store_does_not_know_is_nothing()
    {
        Orchestrate(new("channel", "msg-1", 1), _clock.GetUtcNow());

        (await ReadAsync("msg-1", null))!.ShouldSatisfyAllConditions(timeline => timeline.Attempt.ShouldBe(1), timeline => timeline.Updates.ShouldBeNull());
        (await ReadAsync("msg-2", null)).ShouldBeNull();
    }

    [Fact]
    public async Task A_message_that_ended_in_the_millisecond_in_which_it_came_has_its_end()
    {
        await AnswerAsync(new("channel", "msg-1", 1), "error", seconds: 0);

        (await ReadAsync("msg-1", 1))!.Updates!.Select(update => update.Status).ShouldBe(["started", "error"]);
    }

    /// <summary>A message is taken in, told to be begun, and answered so much later.</summary>
    private async Task AnswerAsync(MessageAddress address, string end, bool knowsInput = true, int seconds = 1)
    {
        _clock.Advance(TimeSpan.FromMinutes(1));
        var (receivedAt, instanceId) = (_clock.GetUtcNow(), AnswerStarter.InstanceId(address));
        await _turns.TakeAsync(address, "Hi", [1], instanceId, 20, null, null, Cancellation);
        _clock.Advance(TimeSpan.FromSeconds(seconds));
        await _log.RecordAsync(address, end == "completed" ? Updates.Completed(address, "conv_1", "Hello") : Updates.Error(address, "conv_1", "sentence", "details"), null, Cancellation);
        await _turns.ReleaseAsync(address, instanceId, isAnswered: end == "completed", Cancellation);
        Orchestrate(address, receivedAt, knowsInput);
    }

    /// <summary>The store has an orchestration of the message, by its own clock a moment later than the app where the history says when it came.</summary>
    private void Orchestrate(MessageAddress address, DateTimeOffset receivedAt, bool knowsInput = true)
    {
        var instanceId = AnswerStarter.InstanceId(address);
        var input = new AnswerInput(address, "Hi", Caller.Anonymous, null, DeliveryProperties.None, "run", true, receivedAt, new AnsweringOptions().Deadlines, 8);
        _client.GetInstanceAsync(instanceId, false, Arg.Any<CancellationToken>()).Returns(
            new OrchestrationMetadata(nameof(AnswerMessage), instanceId) { RuntimeStatus = OrchestrationRuntimeStatus.Completed, CreatedAt = receivedAt.AddSeconds(knowsInput ? 2 : 0) });
        _client.GetOrchestrationHistoryAsync(instanceId, Arg.Any<CancellationToken>()).Returns(
            [new ExecutionStartedEvent(-1, knowsInput ? JsonSerializer.Serialize(input, JsonSerializerOptions.Web) : null) { Timestamp = receivedAt.UtcDateTime }]);
    }

    private Task<AnswerTimeline?> ReadAsync(string messageId, int? attempt) => new TimelineReader(_turns, _log).ReadAsync("channel", messageId, attempt, _client, Cancellation);
}
