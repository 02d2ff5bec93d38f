using Cosmo.Local.Emulators.OpenAI.Controls;

namespace Cosmo.Local.Emulators.OpenAI;

/// <summary>How a stream ends.</summary>
internal enum Ending
{
    /// <summary>With the whole answer.</summary>
    Completed,

    /// <summary>The response completes, but the connection breaks before its last event.</summary>
    CompletedUnheard,

    /// <summary>The connection breaks.</summary>
    Cut,

    /// <summary>The stream ends cleanly without a terminal event.</summary>
    Ended,

    /// <summary>With response.failed.</summary>
    Failed,

    /// <summary>With an event <c>error</c>.</summary>
    Error,

    /// <summary>With response.incomplete.</summary>
    Incomplete,

    /// <summary>Never: the connection stays open in silence.</summary>
    Stalled,
}

/// <summary>Decides from the fault and the token limit where a stream ends.</summary>
internal sealed class EndingRule(Fault? fault, int? maxOutputTokens)
{
    public string IncompleteReason => fault?.IncompleteAfterTokens is null ? "max_output_tokens" : fault.IncompleteReason;

    /// <summary>The ending that is due after so many tokens; <see cref="Ending.Completed"/> for none.</summary>
    /// <param name="tokens">The tokens that were sent.</param>
    /// <param name="whole">Whether that was all, so that a fault meant for a later token is due now.</param>
    public Ending Due(int tokens, bool whole)
    {
        bool Reached(int? after) => after is { } count && (whole || tokens >= count);

        return true switch
        {
            _ when Reached(fault?.StallAfterTokens) => Ending.Stalled,
            _ when Reached(fault?.CutAfterTokens) => Ending.Cut,
            _ when Reached(fault?.EndAfterTokens) => Ending.Ended,
            _ when Reached(fault?.FailAfterTokens) => Ending.Failed,
            _ when Reached(fault?.ErrorAfterTokens) => Ending.Error,
            _ when Reached(fault?.IncompleteAfterTokens) => Ending.Incomplete,
            _ when !whole && tokens >= maxOutputTokens => Ending.Incomplete,
            _ when whole && fault?.CutAtCompletion == true => Ending.CompletedUnheard,
            _ => Ending.Completed,
        };
    }
}
