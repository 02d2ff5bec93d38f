using Cosmo.Functions.Administration.Deletion;
using Cosmo.Functions.Administration.Replaying;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Orchestrations;
using Microsoft.DurableTask.Worker.Grpc;

namespace Cosmo.Functions.Tests.Administration.Replaying;

/// <summary>The orchestration that replays dead letters, whose batches are full until all are replayed, unless a test says otherwise.</summary>
internal sealed class ReplayHarness : OrchestrationHarness
{
    public static readonly DateTimeOffset Began = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);
    private static readonly Exception Died = new IOException("The worker died.");

    public ReplayHarness()
        : base(
            nameof(DeadLetterReplay),
            request => GrpcOrchestrationRunner.LoadAndRun<ReplayInput, ReplayProgress>(request, async (context, _) => await DeadLetterReplay.RunAsync(context))) =>
        On<ReplayInput>(nameof(ReplayLetters), Batch);

    /// <summary>Every way that it can go, by name.</summary>
    public static IReadOnlyDictionary<string, Action<ReplayHarness>> Paths { get; } = new Dictionary<string, Action<ReplayHarness>>
    {
        ["one-batch"] = replay => replay.Begin(total: 3),
        ["several-batches"] = replay => replay.Begin(total: 25),
        ["more-batches-than-one-history-holds"] = replay => replay.Begin(total: 600),
        ["others-took-the-rest"] = replay =>
        {
            replay.On<ReplayInput>(nameof(ReplayLetters), input => new ReplayBatch(BatchState.NoneLeft, 7));
            replay.Begin(total: 25);
        },
        ["queue-was-full"] = replay =>
        {
            var tries = 0;
            replay.On<ReplayInput>(nameof(ReplayLetters), input => ++tries <= 2 ? new ReplayBatch(BatchState.QueueIsFull, 0) : Batch(input));
            replay.Begin(total: 3);
        },
        ["worker-died-in-a-batch"] = replay =>
        {
            var tries = 0;
            replay.Before(nameof(ReplayLetters), () => ++tries <= 2 ? Died : null);
            replay.Begin(total: 3);
        },
        ["every-worker-died"] = replay =>
        {
            replay.Before(nameof(ReplayLetters), () => Died);
            replay.Begin(total: 3);
        },
        ["cancelled-in-a-batch"] = replay =>
        {
            var open = new OpenCall();
            replay.On<ReplayInput>(nameof(ReplayLetters), _ => open);
            replay.Begin(total: 25);
            replay.Cancel();
            open.End(new ReplayBatch(BatchState.More, 10));
        },
        ["cancelled-between-batches"] = replay =>
        {
            replay.Begin(total: 25);
            replay.Cancel();
        },
    };

    public void Begin(long total) => Begin(new ReplayInput("run", "stalled", new ReplayProgress("replaying", total, 0, ReplayInput.UsualRate, Began)));

    private void Cancel() => Raise(ThreadDeletion.CancelRequested, true);

    private static ReplayBatch Batch(ReplayInput input) => new(BatchState.More, input.Progress.Replayed + input.BatchSize());
}
