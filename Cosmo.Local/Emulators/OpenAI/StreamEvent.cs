using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.OpenAI;

/// <summary>One server-sent event: its type and its JSON, which repeats the type and has the sequence number.</summary>
internal sealed record StreamEvent(string Type, JsonObject Data)
{
    /// <summary>It is sent as something that is no JSON.</summary>
    public bool IsUnreadable { get; init; }
}
