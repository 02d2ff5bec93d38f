using System.Text.Json.Serialization;
using Cosmo.Functions.Threads.Index;

namespace Cosmo.Functions.Administration.Deletion;

/// <summary>What a deletion is to do, and how far it has come.</summary>
/// <param name="Latest">Channels that were last active at this Unix second or before.</param>
/// <param name="IsForced">In use or not.</param>
/// <param name="IndexesFirst">Compare the keys with the index first, so that none is missed.</param>
/// <param name="IsAbandonedTurn">The channels are done; now the threads that no channel has any more.</param>
/// <param name="Step">The newest batch.</param>
internal sealed record DeletionInput(double Latest, bool IsForced, bool IndexesFirst, bool IsAbandonedTurn, RemovalStep Step, DeletionProgress Progress)
{
    public bool IsThrough => IsAbandonedTurn && Step.Next is null;

    /// <param name="total">How many threads it is about, as far as the index knows.</param>
    public static DeletionInput Begin(double latest, bool isForced, bool indexesFirst, long total) => new(
        latest, isForced, indexesFirst, false, RemovalStep.Begin(isOpenAIDown: false), new DeletionProgress(indexesFirst ? "indexing" : "removing", total, 0, 0, 0));

    public DeletionInput After(RemovalStep step)
    {
        var progress = Progress with
        {
            Phase = "removing",
            Removed = Progress.Removed + step.Removed,
            Active = Progress.Active + step.Active,
            Failed = Progress.Failed + step.Failed,
        };

        // What the comparison found, what came meanwhile and what no channel has any more was not counted when it began.
        var visited = progress.Removed + progress.Active + progress.Failed;
        progress = progress with { Total = step.Left is { } left ? visited + left : progress.Total };
        return step.Next is null && !IsAbandonedTurn
            ? this with { IsAbandonedTurn = true, Step = RemovalStep.Begin(step.IsOpenAIDown), Progress = progress }
            : this with { Step = step, Progress = progress };
    }
}

/// <summary>A deletion's custom status and result.</summary>
/// <param name="Phase">indexing, removing, completed or cancelled.</param>
/// <param name="Total">How many threads it is about: those that it has visited, and what was left after the newest batch. At its end it is the sum of the other three.</param>
/// <param name="Removed">Gone.</param>
/// <param name="Active">Left alone because they are in use.</param>
/// <param name="Failed">Left because OpenAI did not delete them; the next run tries again.</param>
internal sealed record DeletionProgress(string Phase, long Total, long Removed, long Active, long Failed);

/// <summary>What one batch did.</summary>
/// <param name="Removed">Gone, at OpenAI and in Redis.</param>
/// <param name="Active">Left alone because they are in use.</param>
/// <param name="Failed">Left for the next run, because OpenAI did not delete them.</param>
/// <param name="Next">Where the next batch begins; null if there is none.</param>
/// <param name="IsOpenAIDown">OpenAI is not asked again in this run.</param>
internal sealed record RemovalStep(long Removed, long Active, long Failed, IndexCursor? Next, bool IsOpenAIDown)
{
    /// <summary>How many are left to visit, those that no channel has any more among them; null from an older version.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Left { get; init; }

    /// <summary>Before the first batch.</summary>
    public static RemovalStep Begin(bool isOpenAIDown) => new(0, 0, 0, IndexCursor.Start, isOpenAIDown);
}
