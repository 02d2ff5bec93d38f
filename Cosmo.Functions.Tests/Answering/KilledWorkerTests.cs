using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Tests.Orchestrations;

namespace Cosmo.Functions.Tests.Answering;

/// <summary>On the Functions host a worker that dies fails the activities it was at, and nobody but their orchestration repeats them.</summary>
public sealed class KilledWorkerTests
{
    /// <summary>What the host fails an activity with whose worker process has died.</summary>
    private static readonly Exception Died = new WorkerProcessExitException();

    private readonly AnswerHarness _harness = new();
    private readonly DateTimeOffset _begun;

    public KilledWorkerTests()
    {
        _begun = _harness.Now;
        _harness.On<RunInput>(
            nameof(RunAssistant), input => new RunResult(input.Round == 0 ? AnswerHarness.Calling("a", "b") : [], null));
    }

    [Theory]
    [InlineData(nameof(CheckTurn), 1)]
    [InlineData(nameof(CheckTurn), 2)]
    [InlineData(nameof(RunAssistant), 1)]
    [InlineData(nameof(RunAssistant), 2)]
    [InlineData(nameof(ExecuteTool), 1)]
    [InlineData(nameof(ExecuteTool), 3)]
    public void A_worker_that_dies_costs_seconds_and_not_the_answer(string activity, int times)
    {
        Kill(activity, times);

        _harness.Begin(hasTurn: activity != nameof(CheckTurn));

        _harness.End().ShouldBe(new AnswerResult("completed", null, 2));
        (_harness.Now - _begun).ShouldBeLessThan(TimeSpan.FromSeconds(5));
        _harness.Calls.ShouldNotContain(nameof(FailAnswer));
        _harness.Inputs<RunInput>(nameof(RunAssistant))[^1].ToolOutputs
            .ShouldBe([new ToolOutput("call_a_0", "output of a"), new ToolOutput("call_b_1", "output of b")]);
    }

    [Theory]
    [InlineData(nameof(StopWork))]
    [InlineData(nameof(FailAnswer))]
    [InlineData(nameof(WriteDeadLetter))]
    public void A_worker_that_dies_at_the_end_of_a_message_that_failed_leaves_nothing_undone(string activity)
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => _harness.UntilStopped);
        Kill(activity, 2);

        _harness.Begin();

        _harness.End().Cause.ShouldBe("no_first_response");
        _harness.Inputs<FailInput>(nameof(FailAnswer)).ShouldNotBeEmpty();
        _harness.Inputs<DeadLetterInput>(nameof(WriteDeadLetter)).ShouldNotBeEmpty();
        _harness.Calls.Count(call => call == activity).ShouldBe(3);
        (_harness.Now - _begun).ShouldBeLessThan(TimeSpan.FromSeconds(50));
    }

    [Theory]
    [InlineData(nameof(CheckTurn))]
    [InlineData(nameof(RunAssistant))]
    [InlineData(nameof(ExecuteTool))]
    public void An_activity_that_kills_every_worker_ends_the_conversation_within_its_deadline(string activity)
    {
        Kill(activity, int.MaxValue);

        _harness.Begin(hasTurn: activity != nameof(CheckTurn));

        _harness.End().Cause.ShouldBe("unexpected");
        _harness.Inputs<FailInput>(nameof(FailAnswer)).Single().Failure.ShouldSatisfyAllConditions(
            failure => failure.Reason!.ShouldContain("exited"), failure => failure.Details.ShouldNotContain("exited"));
        _harness.Inputs<DeadLetterInput>(nameof(WriteDeadLetter)).ShouldHaveSingleItem();
        (_harness.Times(nameof(FailAnswer))[0] - _begun).ShouldBeLessThan(TimeSpan.FromSeconds(45));
    }

    [Fact]
    public void Work_that_could_not_be_told_to_stop_is_told_of_all_the_same()
    {
        _harness.On<RunInput>(nameof(RunAssistant), input => new Later(input.StopAt - _harness.Now, new RunResult([], Failure.Stopped)));
        Kill(nameof(StopWork), int.MaxValue);

        _harness.Begin();

        _harness.End().Cause.ShouldBe("no_first_response");
        _harness.Inputs<FailInput>(nameof(FailAnswer)).ShouldHaveSingleItem();
        _harness.Inputs<DeadLetterInput>(nameof(WriteDeadLetter)).ShouldHaveSingleItem();
    }

    [Fact]
    public void A_deadline_that_passes_while_the_next_try_waits_is_kept_and_the_try_does_nothing()
    {
        // The fifth try waits 5 s from 43 s on: past the deadline, and past what is waited for the end of the work.
        var tries = 0;
        _harness.On<RunInput>(nameof(RunAssistant), _ => ++tries switch
        {
            1 => new Later(TimeSpan.FromSeconds(35.5), Died),
            <= 5 => Died,
            _ => new RunResult([], Failure.Over),
        });

        _harness.Begin();
        _harness.Advance(TimeSpan.FromSeconds(47));

        (_harness.Times(nameof(StopWork)).Single() - _begun).ShouldBe(TimeSpan.FromSeconds(45));
        (_harness.Times(nameof(FailAnswer)).Single() - _begun).ShouldBe(TimeSpan.FromSeconds(47));
        _harness.Inputs<DeadLetterInput>(nameof(WriteDeadLetter)).ShouldHaveSingleItem();

        // The Durable Task Framework keeps an orchestration open for as long as anything of it is, also a wait that nobody waits for.
        _harness.HasEnded.ShouldBeFalse();
        _harness.End().Cause.ShouldBe("no_first_response");
        tries.ShouldBe(6);
        _harness.Calls[^1].ShouldBe(nameof(RunAssistant));
        (_harness.Now - _begun).ShouldBeLessThan(TimeSpan.FromSeconds(50));
    }

    [Fact]
    public void A_try_that_dies_after_the_deadline_is_the_last()
    {
        var killed = new OpenCall();
        _harness.On<RunInput>(nameof(RunAssistant), _ => killed);

        _harness.Begin();
        _harness.Progress();
        for (var i = 0; i < 6; i++)
        {
            _harness.Advance(TimeSpan.FromSeconds(15));
            _harness.Progress();
        }

        _harness.Advance(TimeSpan.FromSeconds(10));
        _harness.Calls.ShouldContain(nameof(WriteDeadLetter));
        killed.End(Died);

        _harness.End().Cause.ShouldBe("overall");
        _harness.Inputs<RunInput>(nameof(RunAssistant)).ShouldHaveSingleItem();
    }

    [Fact]
    public void An_answer_that_was_begun_before_the_worker_died_has_the_time_between_two_events()
    {
        var tries = 0;
        _harness.On<RunInput>(
            nameof(RunAssistant),
            _ => ++tries == 1 ? new Later(TimeSpan.FromSeconds(10), Died) : new Later(TimeSpan.FromSeconds(48), new RunResult([], null)));

        _harness.Begin();
        _harness.Progress();

        _harness.End().Outcome.ShouldBe("completed");
    }

    [Fact]
    public void A_message_that_is_over_ends_silently()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => new RunResult([], Failure.Over));

        _harness.Begin();

        _harness.End().Outcome.ShouldBe("duplicate");
        _harness.Calls.ShouldBe([nameof(RunAssistant)]);
    }

    [Fact]
    public void A_dead_letter_is_tried_for_a_day()
    {
        _harness.On<RunInput>(nameof(RunAssistant), _ => new RunResult([], Failure.From(AssistantFailure.Other, "failed")));
        _harness.On<DeadLetterInput>(nameof(WriteDeadLetter), _ => Died);

        _harness.Begin();
        _harness.Advance(TimeSpan.FromMinutes(20));

        var times = _harness.Times(nameof(WriteDeadLetter));
        (times[^1] - times[^2]).ShouldBe(TimeSpan.FromSeconds(30));
        (_harness.Now - times[^1]).ShouldBeLessThanOrEqualTo(TimeSpan.FromSeconds(30));
        var policy = Tries.ForADay.Retry!.Policy!;
        (policy.MaxNumberOfAttempts * policy.MaxRetryInterval).ShouldBeInRange(TimeSpan.FromHours(24), TimeSpan.FromHours(26));
    }

    /// <summary>Has the worker die at the first calls of an activity; then the activity does what it did.</summary>
    private void Kill(string activity, int times)
    {
        var left = times;
        _harness.Before(activity, () => left-- > 0 ? Died : null);
    }

    private sealed class WorkerProcessExitException() : Exception("dotnet exited with code 137 (0x89)");
}
