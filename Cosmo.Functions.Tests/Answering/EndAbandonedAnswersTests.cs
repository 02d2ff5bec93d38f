using System.Text.Json;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using DurableTask.Core.Exceptions;
using DurableTask.Core.History;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Converters;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;

namespace Cosmo.Functions.Tests.Answering;

public sealed class EndAbandonedAnswersTests : IAsyncDisposable
{
    private readonly TestRedis _redis = new();
    private readonly DurableTaskClient _client = Substitute.For<DurableTaskClient>("test");
    private readonly TurnQueue _turns;
    private readonly UpdateLog _log;
    private readonly IUpdatePublisher _updates = Substitute.For<IUpdatePublisher>();
    private readonly ManualTimeProvider _clock = new();
    private readonly StopSignals _stopSignals;
    private readonly List<OrchestrationMetadata> _failed = [];

    public EndAbandonedAnswersTests()
    {
        _log = new UpdateLog(_redis.Connection, Options.Create(new DeliveryOptions()), TimeProvider.System);
        _turns = new TurnQueue(_redis.Connection, _log, Options.Create(new AnsweringOptions()));
        _stopSignals = new StopSignals(_redis.Connection, NullLogger<StopSignals>.Instance);
        _client.GetAllInstancesAsync(Arg.Any<OrchestrationQuery>()).Returns(call => Pageable.Create((_, _, _) =>
            Task.FromResult(new Page<OrchestrationMetadata>([.. _failed.Where(instance => instance.InstanceId.StartsWith(call.Arg<OrchestrationQuery>().InstanceIdPrefix!, StringComparison.Ordinal))]))));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync()
    {
        _stopSignals.Dispose();
        return _redis.DisposeAsync();
    }

    [Fact]
    public async Task What_failed_as_a_whole_is_begun_anew_for_its_end_and_knows_how_far_it_had_come()
    {
        Fail("msg-1", OrchestrationRuntimeStatus.Failed, new AnswerStatus("responding", 1, "conv_1"));
        Fail("msg-2", OrchestrationRuntimeStatus.Terminated, status: null);

        await RunAsync();

        Begun().Select(input => (input.Address.MessageId, input.RunId, input.HasTurn, input.Abandoned)).ShouldBe(
        [
            ("msg-1", "run", false, new AbandonedAnswer("Its orchestration was failed: Some.Exception", new AnswerStatus("responding", 1, "conv_1"))),
            ("msg-2", "run", false, new AbandonedAnswer("Its orchestration was terminated: no reason is known", null)),
        ], ignoreOrder: true);
    }

    [Fact]
    public async Task Those_of_the_last_days_are_asked_for_and_no_others()
    {
        await RunAsync();

        _client.Received(16).GetAllInstancesAsync(Arg.Is<OrchestrationQuery>(query => query.CreatedFrom == _clock.GetUtcNow() - TimeSpan.FromHours(36) && query.FetchInputsAndOutputs
            && query.Statuses!.SequenceEqual(new[] { OrchestrationRuntimeStatus.Failed, OrchestrationRuntimeStatus.Terminated })));
        Asked().Order(StringComparer.Ordinal).ShouldBe("0123456789abcdef".Select(digit => $"answer-{digit}"));
    }

    [Fact]
    public async Task Each_run_begins_behind_the_beginning_of_the_one_before_so_that_none_is_left_where_time_is_up()
    {
        await RunAsync();
        var first = Asked()[0];
        _client.ClearReceivedCalls();
        _clock.Advance(TimeSpan.FromMinutes(10));
        _client.GetAllInstancesAsync(Arg.Any<OrchestrationQuery>()).Returns(_ =>
        {
            _clock.Advance(TimeSpan.FromMinutes(2));
            return Pageable.Create((_, _, cancellationToken) => cancellationToken.IsCancellationRequested ? Task.FromCanceled<Page<OrchestrationMetadata>>(cancellationToken) : Task.FromResult(new Page<OrchestrationMetadata>([])));
        });

        await RunAsync();

        Asked().Count.ShouldBe(3);
        Asked()[0].ShouldBe($"answer-{(Convert.ToInt32(first[^1..], 16) + 1) % 16:x}");
    }

    [Fact]
    public async Task What_ended_in_another_state_meanwhile_or_runs_is_left_to_itself_and_the_others_have_their_end()
    {
        _client.ScheduleNewOrchestrationInstanceAsync(default, default, default, default).ReturnsForAnyArgs(_ => throw new OrchestrationAlreadyExistsException("It runs."), _ => "instance");
        Fail("msg-1");
        Fail("msg-2");

        await RunAsync();

        Begun().Select(input => input.Address.MessageId).ShouldBe(["msg-1", "msg-2"], ignoreOrder: true);
        _client.ReceivedCalls().Select(call => call.GetArguments().OfType<StartOrchestrationOptions>().SingleOrDefault()).OfType<StartOrchestrationOptions>()
            .ShouldAllBe(options => options.DedupeStatuses!.Order().SequenceEqual(new[] { "Completed", "Pending", "Running", "Suspended" }));
    }

    [Fact]
    public async Task What_another_orchestration_has_is_that_ones_to_end()
    {
        await _turns.ClaimAsync(new("channel", "msg-1", 1), "another", Cancellation);
        Fail("msg-1");
        Fail("msg-2");

        await RunAsync();

        Begun().Select(input => input.Address.MessageId).ShouldBe(["msg-2"]);
    }

    [Fact]
    public async Task Work_of_it_that_still_runs_is_stopped_and_none_of_another_orchestrations()
    {
        await _turns.ClaimAsync(new("channel", "msg-1", 1), "another", Cancellation);
        Fail("msg-1");
        Fail("msg-2");
        using var another = _stopSignals.Register("channel", _failed[0].InstanceId, Cancellation);
        using var abandoned = _stopSignals.Register("channel", _failed[1].InstanceId, Cancellation);
        await Task.WhenAll(another.Known, abandoned.Known);

        await RunAsync();

        (another.Token.IsCancellationRequested, abandoned.Token.IsCancellationRequested, abandoned.IsCancelled).ShouldBe((false, true, false));
        using var later = _stopSignals.Register("channel", _failed[1].InstanceId, Cancellation);
        await later.Known;
        later.Token.IsCancellationRequested.ShouldBeTrue();
    }

    [Theory]
    [InlineData(true, "")]
    [InlineData(false, "?")]
    [InlineData(false, "null")]
    [InlineData(false, null)]
    public async Task What_was_merged_is_known_from_what_the_orchestration_was_told_as_far_as_it_can_be_read(bool isReadable, string? other)
    {
        Fail("msg-1", merges: true);
        _client.GetOrchestrationHistoryAsync(_failed[0].InstanceId, Arg.Any<CancellationToken>()).Returns([Told(isReadable ? Text("msg-2") : other)]);
        Fail("msg-2");

        await RunAsync();

        Begun().Select(input => input.Abandoned!.Merged?.Single().Address.MessageId).ShouldBe([isReadable ? "msg-2" : null, null], ignoreOrder: true);
    }

    [Fact]
    public async Task What_several_tries_told_to_have_been_merged_counts_once_each()
    {
        Fail("msg-1", merges: true);
        _client.GetOrchestrationHistoryAsync(_failed[0].InstanceId, Arg.Any<CancellationToken>()).Returns([Told(Text("msg-2", "msg-3")), Told(Text("msg-3", "msg-4"))]);

        await RunAsync();

        Begun().ShouldHaveSingleItem().Abandoned!.Merged!.Select(message => message.Address.MessageId).ShouldBe(["msg-2", "msg-3", "msg-4"]);
    }

    [Theory]
    [InlineData("completed", false)]
    [InlineData("error", true)]
    public async Task What_had_its_end_all_the_same_is_begun_anew_with_it_and_has_no_place_any_more_and_its_body_is_kept_for_its_letter(string end, bool isBodyKept)
    {
        await _turns.TakeAsync(new("channel", "msg-1", 1), "Hello", [1], AnswerStarter.InstanceId(new("channel", "msg-1", 1)), 20, null, null, Cancellation);
        await _turns.ClaimAsync(new("channel", "msg-1", 1), "run", Cancellation);
        await _log.RecordAsync(new("channel", "msg-1", 1), Updates.Completed(new("channel", "msg-1", 1), "conv_1", "Hello"), once: null, Cancellation);
        _updates.FindEndAsync(new("channel", "msg-1", 1), Arg.Any<CancellationToken>()).Returns(end);
        Fail("msg-1");

        await RunAsync();

        Begun().ShouldHaveSingleItem().Abandoned!.End.ShouldBe(end);
        (await _turns.FindPlacesAsync("channel", Cancellation)).ShouldBeEmpty();
        (await new MessageMemory(_redis.Connection, _clock, NullLogger<MessageMemory>.Instance).FindBodyAsync(new("channel", "msg-1", 1), Cancellation) is not null).ShouldBe(isBodyKept);
    }

    [Fact]
    public async Task What_was_taken_in_too_long_ago_is_left_however_often_it_was_begun_anew()
    {
        Fail("msg-1");
        _clock.Advance(TimeSpan.FromHours(36));
        Fail("msg-2");

        await RunAsync();
        _clock.Advance(TimeSpan.FromTicks(1));
        await RunAsync();

        Begun().Count(input => input.Address.MessageId == "msg-1").ShouldBe(1);
    }

    [Fact]
    public async Task What_cannot_be_read_or_asked_for_keeps_the_others_from_nothing()
    {
        await _redis.Connection.RunAsync(database => database.StringSetAsync(MessageMemory.Key(_redis.Prefix, new("channel", "msg-3", 1)), "not ours"), Cancellation);
        Fail("msg-1");
        Fail("msg-3");
        _failed.Add(new OrchestrationMetadata(nameof(AnswerMessage), "answer-0dd") { RuntimeStatus = OrchestrationRuntimeStatus.Failed, SerializedInput = "{", DataConverter = JsonDataConverter.Default });
        Fail("msg-2");

        await RunAsync();

        Begun().Select(input => input.Address.MessageId).ShouldBe(["msg-1", "msg-2"], ignoreOrder: true);
    }

    [Fact]
    public async Task An_end_that_failed_too_knows_what_became_of_the_answer()
    {
        var first = new AbandonedAnswer("It was terminated", new AnswerStatus("responding", 3, "conv_1"));
        Fail("msg-1", status: new AnswerStatus("failing: unexpected", 0, null), before: first);

        await RunAsync();

        Begun().ShouldHaveSingleItem().Abandoned.ShouldBe(first);
    }

    private static EventRaisedEvent Told(string? text) => new(-1, text) { Name = AnswerMessage.MessagesMerged };

    private string Text(params string[] messageIds) => JsonSerializer.Serialize(
        messageIds.Select(id => new MergedMessage(new("channel", id, 1), "And in Cebu?", DeliveryProperties.None, _clock.GetUtcNow())), JsonSerializerOptions.Web);

    private IReadOnlyList<string> Asked() => [.. _client.ReceivedCalls().Select(call => call.GetArguments().OfType<OrchestrationQuery>().SingleOrDefault()?.InstanceIdPrefix).OfType<string>()];

    private Task RunAsync()
    {
        var context = Substitute.For<FunctionContext>();
        context.CancellationToken.Returns(Cancellation);
        return new EndAbandonedAnswers(
            _turns, new TurnRelease(_turns, _clock, NullLogger<TurnRelease>.Instance), _updates, _stopSignals, _clock, NullLogger<EndAbandonedAnswers>.Instance).RunAsync(new TimerInfo(), _client, context);
    }

    private void Fail(string messageId, OrchestrationRuntimeStatus became = OrchestrationRuntimeStatus.Failed, AnswerStatus? status = null, AbandonedAnswer? before = null, bool merges = false)
    {
        var address = new MessageAddress("channel", messageId, 1);
        var input = new AnswerInput(
            address, "Hello", Caller.Anonymous, Body: null, DeliveryProperties.None, "run", HasTurn: true, _clock.GetUtcNow(), new AnsweringOptions().Deadlines, MaxToolRounds: 8)
        {
            Abandoned = before,
            Merges = merges,
        };
        _failed.Add(new OrchestrationMetadata(nameof(AnswerMessage), AnswerStarter.InstanceId(address))
        {
            RuntimeStatus = became,
            SerializedInput = JsonDataConverter.Default.Serialize(input),
            SerializedCustomStatus = status is null ? null : JsonDataConverter.Default.Serialize(status),
            FailureDetails = became == OrchestrationRuntimeStatus.Failed ? new TaskFailureDetails("Some.Exception", "Hello is no time.", null, null, null) : null,
            DataConverter = JsonDataConverter.Default,
        });
    }

    private IReadOnlyList<AnswerInput> Begun() =>
        [.. _client.ReceivedCalls().Select(call => call.GetArguments().OfType<AnswerInput>().SingleOrDefault()).OfType<AnswerInput>()];
}
