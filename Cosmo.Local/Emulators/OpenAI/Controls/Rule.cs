namespace Cosmo.Local.Emulators.OpenAI.Controls;

/// <summary>Which requests a control is for.</summary>
internal abstract record Rule
{
    /// <summary>Only requests on this conversation; null for any.</summary>
    public string? Conversation { get; init; }

    /// <summary>Only requests whose newest question contains this, whatever the case; null for any.</summary>
    public string? UserText { get; init; }

    /// <summary>Only requests for this model; null for any.</summary>
    public string? Model { get; init; }

    /// <summary>How many matching requests it is for; null for all.</summary>
    public int? Times { get; init; }

    /// <summary>How many matching requests are let through before.</summary>
    public int Skip { get; init; }

    public virtual bool Matches(string endpoint, string? conversation, string userText, string? model) =>
        (Conversation is null || Conversation == conversation)
        && (Model is null || Model == model)
        && (UserText is null || userText.Contains(UserText, StringComparison.OrdinalIgnoreCase));
}
