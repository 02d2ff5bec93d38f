using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.OpenAI.Controls;

/// <summary>A request as <c>GET /emulator/requests</c> shows it. Outcome and end stay null while it runs.</summary>
internal sealed class LoggedRequest
{
    public required long Number { get; init; }

    public required string Method { get; init; }

    public required string Path { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; set; }

    /// <summary>The HTTP status; 0 before there is one.</summary>
    public int Status { get; set; }

    /// <summary>Whether the client went away before the end.</summary>
    public bool Aborted { get; set; }

    public string? Conversation { get; set; }

    public string? Response { get; set; }

    public string? UserText { get; set; }

    /// <summary>The ids of the calls that the request answers.</summary>
    public IReadOnlyList<string> ToolOutputs { get; set; } = [];

    /// <summary>The names of the functions that the request offers.</summary>
    public IReadOnlyList<string> Tools { get; set; } = [];

    /// <summary>What else the body says.</summary>
    public JsonObject? Parameters { get; set; }

    /// <summary>The response's last status.</summary>
    public string? Outcome { get; set; }
}
