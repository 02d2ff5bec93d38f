namespace Cosmo.Functions.Assistants.Profiles;

/// <summary>Who the assistant is: its instructions, its tools and its model. A file of the app, or of its operators.</summary>
/// <param name="Name">What a message calls it.</param>
/// <param name="Instructions">What the model is told before every conversation.</param>
internal sealed record AssistantProfile(string Name, string Instructions)
{
    /// <summary>The name of the profile that answers where a message names none.</summary>
    public const string BuiltIn = "cosmo";

    /// <summary>The model, or on Azure the deployment; null for the setting's.</summary>
    public string? Model { get; init; }

    /// <summary>Asked once when the model is gone, overloaded or over its quota, before any text was shown; null for none.</summary>
    public string? FallbackModel { get; init; }

    /// <summary>The names of its tools; null for all.</summary>
    public IReadOnlyList<string>? Tools { get; init; }

    /// <summary>The longest response, in tokens; null for the setting's.</summary>
    public int? MaxOutputTokens { get; init; }

    /// <summary>How much a model that reasons does so; null for its own default.</summary>
    public string? ReasoningEffort { get; init; }

    /// <summary>Responses are made in OpenAI's background mode: who breaks off goes on in the same stream.</summary>
    public bool IsBackground { get; init; }

    /// <summary>Above so many tokens OpenAI compacts the conversation; 0 never.</summary>
    public int CompactAfterTokens { get; init; }

    /// <summary>Whether it has the tool.</summary>
    public bool Has(string tool) => Tools?.Contains(tool) != false;
}
