using Cosmo.Functions.Threads.Index;

namespace Cosmo.Functions.Administration.Deletion;

/// <summary>What one batch did.</summary>
/// <param name="Removed">Gone, at OpenAI and in Redis.</param>
/// <param name="Active">Left alone because they are in use.</param>
/// <param name="Failed">Left for the next run, because OpenAI did not delete them.</param>
/// <param name="Next">Where the next batch begins; null if there is none.</param>
/// <param name="IsOpenAIDown">OpenAI is not asked again in this run.</param>
internal sealed record RemovalStep(long Removed, long Active, long Failed, IndexCursor? Next, bool IsOpenAIDown)
{
    /// <summary>Before the first batch.</summary>
    public static RemovalStep Begin(bool isOpenAIDown) => new(0, 0, 0, IndexCursor.Start, isOpenAIDown);
}
