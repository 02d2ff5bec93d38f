using Cosmo.Functions.Administration.Deletion;
using Cosmo.Functions.Messaging;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;

namespace Cosmo.Functions.Administration.Replaying;

/// <summary>
/// Orchestration: puts dead letters back into the queue, the oldest first, some every two seconds, so that what is asked meanwhile is answered too. It goes on where it
/// was after a crash, and ends after the current batch when it is cancelled.
/// </summary>
internal static class DeadLetterReplay
{
    public const string InstanceId = "dead-letter-replay";

    private const int BatchesPerRun = 50;

    /// <summary>From the beginning of one batch to that of the next.</summary>
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(ReplayInput.SecondsABatch);

    /// <summary>A broker that is away for up to about eight minutes is waited for.</summary>
    private static readonly TaskOptions Retries = TaskOptions.FromRetryPolicy(
        new RetryPolicy(20, TimeSpan.FromSeconds(2), backoffCoefficient: 2, maxRetryInterval: TimeSpan.FromSeconds(30)));

    [Function(nameof(DeadLetterReplay))]
    public static async Task<ReplayProgress> RunAsync([OrchestrationTrigger] TaskOrchestrationContext context)
    {
        var input = context.GetInput<ReplayInput>()!;
        var cancelled = context.WaitForExternalEvent<bool>(ThreadDeletion.CancelRequested);
        var isThrough = false;
        context.SetCustomStatus(input.Progress);
        for (var batch = 0; batch < BatchesPerRun && !isThrough && !cancelled.IsCompleted; batch++)
        {
            var next = context.CurrentUtcDateTime + Period;
            var done = await context.CallActivityAsync<ReplayBatch>(nameof(ReplayLetters), input, Retries);
            input = input with { Progress = input.Progress with { Phase = done.State is BatchState.QueueIsFull ? "waiting" : "replaying", Replayed = done.Replayed } };
            isThrough = done.State is BatchState.NoneLeft || done.Replayed >= input.Progress.Total;
            context.SetCustomStatus(input.Progress);
            if (!isThrough && !cancelled.IsCompleted)
            {
                await context.CreateTimer(next, CancellationToken.None);
            }
        }

        if (!isThrough && !cancelled.IsCompleted)
        {
            context.ContinueAsNew(input);
            return input.Progress;
        }

        var end = input.Progress with { Phase = isThrough ? "completed" : "cancelled" };
        context.SetCustomStatus(end);
        context.CreateReplaySafeLogger(nameof(DeadLetterReplay)).LettersReplayed(end.Replayed, end.Total);
        return end;
    }
}

/// <summary>What a replay is to do, and how far it has come.</summary>
/// <param name="RunId">Names this replay.</param>
/// <param name="Cause">Letters of this cause alone; null for all.</param>
internal sealed record ReplayInput(string RunId, string? Cause, ReplayProgress Progress)
{
    public const int SecondsABatch = 2;
    public const int UsualRate = 5;
    public const int HighestRate = 100;

    /// <summary>While more messages than are put back in so many seconds wait in the queue, none is put back: nobody takes them, or not so fast.</summary>
    private const int SecondsOfWaiting = 10;

    public static ReplayInput Begin(string? cause, DateTimeOffset now, int rate, long total) =>
        new(Guid.NewGuid().ToString("N"), cause, new ReplayProgress("replaying", total, 0, rate, now));

    public int MostWaiting() => Progress.Rate * SecondsOfWaiting;

    /// <summary>Letters that failed after the replay began are left: of what is replayed, some fails again.</summary>
    public bool Means(StoredDeadLetter letter) => (Cause is null || letter.Cause == Cause) && !(letter.FailedAt > Progress.StartedAt);

    /// <summary>The letters of one batch at most.</summary>
    public int BatchSize() => (int)Math.Min(Progress.Rate * SecondsABatch, Math.Max(0, Progress.Total - Progress.Replayed));
}

/// <summary>A replay's custom status and result.</summary>
/// <param name="Phase">replaying, waiting (for the queue to be worked off), completed or cancelled.</param>
/// <param name="Total">How many letters it was about when it began. At its end fewer may have been replayed, where somebody else replayed or deleted some meanwhile.</param>
/// <param name="Replayed">How many went back into the queue.</param>
/// <param name="Rate">How many a second at most.</param>
/// <param name="StartedAt">When it was asked for.</param>
internal sealed record ReplayProgress(string Phase, long Total, long Replayed, int Rate, DateTimeOffset StartedAt);
