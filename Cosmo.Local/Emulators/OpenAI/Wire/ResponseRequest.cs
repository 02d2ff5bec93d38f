using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.OpenAI.Wire;

/// <summary>The body of <c>POST /responses</c>, found valid.</summary>
internal sealed record ResponseRequest
{
    public required string Model { get; init; }

    public required IReadOnlyList<Item> Input { get; init; }

    public required IReadOnlyList<OfferedTool> Tools { get; init; }

    public string? ConversationId { get; init; }

    public string? PreviousResponseId { get; init; }

    public bool Stream { get; init; }

    public bool Background { get; init; }

    public bool Store { get; init; }

    public bool ParallelToolCalls { get; init; }

    /// <summary>False when <c>tool_choice</c> is "none".</summary>
    public bool MayCallTools { get; init; }

    public bool Obfuscation { get; init; }

    public int? MaxOutputTokens { get; init; }

    public required JsonObject Metadata { get; init; }

    /// <summary>The body as it came, for the fields that a response only repeats.</summary>
    public required JsonObject Body { get; init; }
}
