using Cosmo.Local.Emulators.OpenAI.Wire;

namespace Cosmo.Local.Emulators.OpenAI;

/// <summary>How far a response is. Statuses are the wire's: queued, in_progress, completed, failed, incomplete, cancelled.</summary>
internal sealed record Outcome(string Status, IReadOnlyList<Item> Output)
{
    public static Outcome Queued { get; } = new("queued", []);

    public static Outcome InProgress { get; } = new("in_progress", []);

    public static Outcome Cancelled { get; } = new("cancelled", []);

    /// <summary>Code and message of a failure.</summary>
    public (string? Code, string? Type, string Message)? Error { get; init; }

    /// <summary>Why it is incomplete: max_output_tokens or content_filter.</summary>
    public string? IncompleteReason { get; init; }

    public int OutputTokens { get; init; }

    public bool IsFinal => Status is not ("queued" or "in_progress");
}
