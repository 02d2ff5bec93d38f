using Cosmo.Functions.Answering.Merging;

namespace Cosmo.Functions.Answering;

/// <summary>How far an orchestration has come: what its end needs to know, whichever end it is.</summary>
internal sealed class AnswerProgress(AnswerInput input)
{
    public AnswerInput Input { get; } = input;

    /// <summary>Null until the first round is over.</summary>
    public string? ThreadId { get; set; } = input.Abandoned?.Status?.ThreadId;

    /// <summary>What is asked together with it; null while that is not known.</summary>
    public IReadOnlyList<MergedMessage>? Merged { get; set; }

    /// <summary>What was merged when the answer began, told by whoever began it: Redis may lose it before the end.</summary>
    public required Task<IReadOnlyList<MergedMessage>> MergedAtFirst { get; init; }

    /// <summary>Those of <see cref="MergedAtFirst"/> that are not among <see cref="Merged"/>.</summary>
    public IReadOnlyList<MergedMessage> Forgotten => MergedAtFirst.IsCompletedSuccessfully
        ? [.. MergedAtFirst.Result.Where(message => Merged?.Any(other => other.Address == message.Address) != true)]
        : [];

    /// <summary>What has to have an end with it, whether Redis still knows it or not; null while that is not known.</summary>
    public IReadOnlyList<MergedMessage>? Following => Forgotten is { Count: > 0 } forgotten ? [.. Merged ?? [], .. forgotten] : Merged;

    /// <summary>The model was asked, or was about to be; else the message had no turn.</summary>
    public bool HasBegun => Work is not null;

    /// <summary>Other messages may depend on this one's end.</summary>
    public bool MayHaveMerged => Input.Merges && HasBegun && Following is not { Count: 0 };

    /// <summary>0 for the question, then one more for each round of tool outputs.</summary>
    public int Round { get; set; } = input.Abandoned?.Status?.Round ?? 0;

    /// <summary>The activities that were begun last; null if the model was not asked yet. Of those of an orchestration that ended before them nobody hears any more.</summary>
    public Task? Work { get; set; } = input.Abandoned?.Status is null ? null : new TaskCompletionSource().Task;

    /// <summary>Another orchestration has this message, or had it: it is over.</summary>
    public bool Duplicate { get; set; }
}

/// <summary>The orchestration's custom status.</summary>
internal sealed record AnswerStatus(string Phase, int Round, string? ThreadId);

/// <param name="Outcome">completed, failed or duplicate.</param>
/// <param name="Cause">Why it failed.</param>
/// <param name="Rounds">How many responses the model made.</param>
internal sealed record AnswerResult(string Outcome, string? Cause, int Rounds)
{
    /// <summary>The outcome of an orchestration whose message another one has.</summary>
    public const string Duplicate = "duplicate";

    public static AnswerResult Completed(int lastRound) => new("completed", null, lastRound + 1);
}
