using System.Text.Json.Nodes;

namespace Cosmo.Local.Terminal.Trials;

/// <summary>A conversation to be held with an assistant, and what is expected of it.</summary>
/// <param name="Name">What it is called in the table.</param>
/// <param name="Turns">What is asked, in order, in one channel.</param>
/// <param name="User">Who asks; null for a producer that names nobody.</param>
internal sealed record Trial(string Name, IReadOnlyList<TrialTurn> Turns, JsonObject? User);

internal sealed record TrialTurn(string Message, Expectation Expect);

/// <summary>What a turn brought.</summary>
/// <param name="Message">What was asked.</param>
/// <param name="MessageId">Under which id.</param>
internal sealed record TurnOutcome(string Message, string MessageId)
{
    /// <summary>The status of the final update; null if none came.</summary>
    public string? Status { get; init; }

    public string Text { get; init; } = "";

    /// <summary>The calls that the model asked for, in order.</summary>
    public IReadOnlyList<TrialCall> Calls { get; init; } = [];

    /// <summary>Seconds to the first text of the answer.</summary>
    public double? FirstText { get; init; }

    /// <summary>Seconds to the final update.</summary>
    public double? Seconds { get; init; }

    public JsonObject? Usage { get; init; }

    /// <summary>What is not as it should be; none if the turn passed.</summary>
    public IReadOnlyList<string> Failures { get; init; } = [];
}

/// <param name="State">How it ended, or how far it came.</param>
/// <param name="Arguments">What the model gave it; null where the deployment does not say, or where it is no JSON object.</param>
internal sealed record TrialCall(string Id, string Tool, string State, JsonObject? Arguments);

/// <param name="Failure">What went wrong around the turns; null if nothing did.</param>
internal sealed record TrialOutcome(string Name, string Channel, IReadOnlyList<TurnOutcome> Turns, string? Failure)
{
    public bool HasPassed => Failure is null && Turns.All(turn => turn.Failures.Count == 0);
}
