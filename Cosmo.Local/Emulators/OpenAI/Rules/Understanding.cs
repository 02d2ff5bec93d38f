namespace Cosmo.Local.Emulators.OpenAI.Rules;

/// <summary>What the newest message asks, and what is remembered of the ones before it.</summary>
internal sealed record Understanding
{
    public static Understanding Nothing { get; } = new();

    /// <summary>What the newest message asks; empty when it is about something else.</summary>
    public IReadOnlyList<Ask> Asks { get; init; } = [];

    /// <summary>Asks of earlier messages that still lack something.</summary>
    public IReadOnlyList<Ask> Pending { get; init; } = [];

    /// <summary>The latest ask of all.</summary>
    public Ask? Last { get; init; }

    public Place? Place { get; init; }

    public string? Email { get; init; }

    /// <summary>An e-mail address that the newest message gives without saying what for.</summary>
    public string? LooseEmail { get; init; }
}
