using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting.Observability;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cosmo.Functions.Tests.Delivery;

public sealed class AnswerStreamTests
{
    private static readonly MessageAddress Address = new("channel", "msg-1", 1);
    private readonly RecordingPublisher _publisher = new();
    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public async Task The_first_text_goes_out_at_once_behind_its_status()
    {
        await using var answer = Begin();

        answer.Append("Hi");

        (await NextAsync()).Status.ShouldBe("responding");
        (await NextAsync()).Message.ShouldBe("Hi");
    }

    [Fact]
    public async Task Less_than_ten_characters_wait_for_a_second_since_the_last_text()
    {
        await using var answer = await BeginWithAsync("Hi");

        answer.Append(" there");
        await _clock.TimersSetAsync();
        _clock.Advance(TimeSpan.FromMilliseconds(999));
        _publisher.Published.TryRead(out _).ShouldBeFalse();
        _clock.Advance(TimeSpan.FromMilliseconds(1));

        (await NextAsync()).Message.ShouldBe("Hi there");
    }

    [Fact]
    public async Task Text_that_makes_the_next_one_due_no_sooner_wakes_nobody()
    {
        await using var answer = await BeginWithAsync("Hi");
        answer.Append(",");
        await _clock.TimersSetAsync();
        var made = _clock.TimersMade;

        for (var i = 0; i < 8; i++)
        {
            answer.Append("!");
            await Task.Yield();
        }

        _clock.Advance(TimeSpan.FromSeconds(1));
        (await NextAsync()).Message.ShouldBe("Hi,!!!!!!!!");
        _clock.TimersMade.ShouldBe(made);
    }

    [Fact]
    public async Task Text_that_waits_when_the_answer_ends_is_not_waited_for()
    {
        await using var answer = await BeginWithAsync("Hi");
        answer.Append(",");
        await _clock.TimersSetAsync();

        await answer.StopAsync().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        _publisher.Published.TryRead(out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Text_that_waits_when_tools_are_next_is_told_before_them()
    {
        await using var answer = await BeginWithAsync("Let");
        answer.Append(" me see");
        await _clock.TimersSetAsync();

        await answer.FinishAsync(TestContext.Current.CancellationToken);

        (await NextAsync()).Message.ShouldBe("Let me see");
        answer.Told.ShouldBe(2);
    }

    [Fact]
    public async Task Text_that_was_told_whole_or_shown_before_is_not_told_again_before_tools()
    {
        await using var whole = await BeginWithAsync("Let me see");
        await whole.FinishAsync(TestContext.Current.CancellationToken);
        await using var again = Begin(shown: "Let me see.");
        again.Append("Let me see");
        await again.FinishAsync(TestContext.Current.CancellationToken);

        _publisher.Published.TryRead(out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Ten_characters_wait_for_a_tenth_of_a_second_since_the_last_text()
    {
        await using var answer = await BeginWithAsync("Hi");

        answer.Append(" there,");
        answer.Append(" yo");
        await _clock.TimersSetAsync();
        _clock.Advance(TimeSpan.FromMilliseconds(99));
        _publisher.Published.TryRead(out _).ShouldBeFalse();
        _clock.Advance(TimeSpan.FromMilliseconds(1));

        (await NextAsync()).Message.ShouldBe("Hi there, yo");
    }

    [Fact]
    public async Task Ten_characters_that_come_later_than_that_do_not_wait()
    {
        await using var answer = await BeginWithAsync("Hi");
        _clock.Advance(TimeSpan.FromMilliseconds(100));

        answer.Append(" there, you");

        (await NextAsync()).Message.ShouldBe("Hi there, you");
    }

    [Fact]
    public async Task Text_that_comes_during_a_send_goes_with_the_next_one()
    {
        var send = new TaskCompletionSource();
        await using var answer = await BeginWithAsync("first");
        _publisher.Gate = send.Task;
        _clock.Advance(TimeSpan.FromMilliseconds(100));
        answer.Append(" and more text");
        await NextAsync();

        foreach (var _ in Enumerable.Range(0, 100))
        {
            answer.Append(" 0123456789");
        }

        _publisher.Published.TryRead(out _).ShouldBeFalse();
        send.SetResult();
        await _clock.TimersSetAsync();
        _clock.Advance(TimeSpan.FromMilliseconds(100));

        (await NextAsync()).Message.Length.ShouldBe(5 + 14 + 1100);
        answer.Append(" 0123456789 0123456789 0123456789");
        await _clock.TimersSetAsync();
        _clock.Advance(TimeSpan.FromMilliseconds(100));
        (await NextAsync()).Message.Length.ShouldBe(5 + 14 + 1100 + 33);
    }

    [Fact]
    public async Task Text_is_put_behind_the_text_before_it()
    {
        await using var answer = Begin(before: "Let me look.\n\n");

        answer.Append("It rains.");

        await NextAsync();
        (await NextAsync()).Message.ShouldBe("Let me look.\n\nIt rains.");
    }

    [Fact]
    public async Task A_client_is_never_shown_less_of_the_same_text()
    {
        await using var answer = Begin(shown: "Good day, dear");
        answer.Append("Good ");
        answer.Append("day, dear");
        answer.Append(" friend");
        (await NextAsync()).Status.ShouldBe("responding");

        (await NextAsync()).Message.ShouldBe("Good day, dear friend");
    }

    [Fact]
    public async Task Another_text_is_shown_from_its_beginning()
    {
        await using var answer = Begin(shown: "Good day, dear");
        answer.Append("Hello");
        await NextAsync();

        (await NextAsync()).Message.ShouldBe("Hello");
    }

    [Fact]
    public async Task A_message_that_is_over_stops_the_work()
    {
        await using var answer = await BeginWithAsync("Hi");
        var stopped = new TaskCompletionSource();
        answer.Fenced.Register(stopped.SetResult);
        _publisher.IsFenced = true;

        _clock.Advance(TimeSpan.FromMilliseconds(100));
        answer.Append(" there, are you well?");

        await stopped.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        _publisher.IsFenced = false;
        answer.Append(" It goes on.");
        _clock.Advance(TimeSpan.FromSeconds(2));
        await answer.FinishAsync(TestContext.Current.CancellationToken);
        _publisher.Published.TryRead(out _).ShouldBeFalse();
    }

    [Fact]
    public async Task A_send_that_is_under_way_when_the_answer_ends_has_a_second_and_is_then_given_up()
    {
        var send = new TaskCompletionSource();
        _publisher.Gate = send.Task;
        await using var answer = await BeginWithAsync("Hi");

        var stopping = answer.StopAsync();
        await _clock.TimersSetAsync();
        _clock.Advance(TimeSpan.FromMilliseconds(999));
        stopping.IsCompleted.ShouldBeFalse();
        _clock.Advance(TimeSpan.FromMilliseconds(1));

        var first = await Task.WhenAny(stopping, Task.Delay(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));

        // What was not given up would hold the end of the test, too.
        send.SetResult();
        first.ShouldBe(stopping);
        await stopping;
        answer.Told.ShouldBe(0);
    }

    [Fact]
    public async Task What_is_told_before_tools_waits_for_the_send_that_is_under_way()
    {
        var send = new TaskCompletionSource();
        _publisher.Gate = send.Task;
        await using var answer = await BeginWithAsync("Let");
        answer.Append(" me see");

        var finishing = answer.FinishAsync(TestContext.Current.CancellationToken);
        _publisher.Published.TryRead(out _).ShouldBeFalse();
        send.SetResult();
        await finishing;

        (await NextAsync()).Message.ShouldBe("Let me see");
    }

    [Fact]
    public async Task A_fault_that_nobody_expects_is_told_to_whoever_ends_the_answer()
    {
        var send = new TaskCompletionSource();
        _publisher.Gate = send.Task;
        var answer = await BeginWithAsync("Hi");

        send.SetException(new InvalidOperationException("broken"));

        (await Should.ThrowAsync<InvalidOperationException>(answer.StopAsync())).Message.ShouldBe("broken");
    }

    [Fact]
    public async Task Text_that_Redis_did_not_take_goes_with_the_next_one_behind_its_status()
    {
        var send = new TaskCompletionSource();
        _publisher.Gate = send.Task;
        await using var answer = await BeginWithAsync("Hi");
        _publisher.Gate = Task.CompletedTask;

        send.SetException(new TimeoutException());
        answer.Append(" there");

        (await NextAsync()).Status.ShouldBe("responding");
        (await NextAsync()).Message.ShouldBe("Hi there");
    }

    [Fact]
    public async Task Nothing_is_told_of_what_comes_after_the_end()
    {
        var send = new TaskCompletionSource();
        _publisher.Gate = send.Task;
        var answer = await BeginWithAsync("Hi");
        var ending = answer.DisposeAsync().AsTask();
        ending.IsCompleted.ShouldBeFalse();
        send.SetResult();
        await ending;

        answer.Append(" there, you");
        _clock.Advance(TimeSpan.FromSeconds(2));

        _publisher.Published.TryRead(out _).ShouldBeFalse();
    }

    [Fact]
    public async Task The_text_before_alone_is_not_told()
    {
        await using var answer = Begin(before: "Let me look.");

        await answer.FinishAsync(TestContext.Current.CancellationToken);

        _publisher.Published.TryRead(out _).ShouldBeFalse();
    }

    [Fact]
    public async Task The_time_of_the_first_text_is_that_of_the_first_piece()
    {
        await using var answer = Begin(before: "Let me look.");
        answer.FirstTextAt.ShouldBeNull();
        var first = _clock.GetUtcNow();

        answer.Append("It");
        _clock.Advance(TimeSpan.FromSeconds(1));
        answer.Append(" rains.");

        answer.FirstTextAt.ShouldBe(first);
    }

    [Fact]
    public async Task The_pieces_that_one_text_carries_are_counted_but_for_the_first()
    {
        using var measured = new RecordedMeasurements(Telemetry.UpdatesConflated);
        await using var answer = await BeginWithAsync("Hi");

        foreach (var piece in (string[])[" there,", " are", " you", " well?"])
        {
            answer.Append(piece);
        }

        await _clock.TimersSetAsync();
        _clock.Advance(TimeSpan.FromSeconds(1));
        (await NextAsync()).Message.ShouldBe("Hi there, are you well?");
        await answer.StopAsync();

        measured.All.Sum(one => one.Value).ShouldBe(3);
    }

    /// <summary>An answer whose first text was sent.</summary>
    private async Task<AnswerStream> BeginWithAsync(string text)
    {
        var answer = Begin();
        answer.Append(text);
        await NextAsync();
        await NextAsync();
        return answer;
    }

    private AnswerStream Begin(string before = "", string shown = "") =>
        new(_publisher, Address, "conv_1", before, shown, new DeliveryOptions(), _clock, NullLogger.Instance);

    private async Task<UpdatePayload> NextAsync() =>
        await _publisher.Published.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
}
