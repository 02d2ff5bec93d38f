using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.Backends;

/// <summary>Something that goes wrong on purpose, for the next calls whose path begins with <see cref="Path"/>.</summary>
internal sealed record BackendFault
{
    public string Path { get; init; } = "/";

    /// <summary>How many calls it is for; null for all.</summary>
    public int? Times { get; init; }

    /// <summary>Milliseconds to wait before anything else.</summary>
    public int Delay { get; init; }

    /// <summary>The HTTP status of the failure; null to answer as usual after the delay.</summary>
    public int? Status { get; init; }

    /// <summary>The body of the failure; null for the weather service's own.</summary>
    public JsonNode? Body { get; init; }

    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether the answer is a 200 that breaks off in the middle of its JSON.</summary>
    public bool Malformed { get; init; }
}
