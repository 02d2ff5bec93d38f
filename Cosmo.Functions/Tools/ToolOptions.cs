using System.ComponentModel.DataAnnotations;

namespace Cosmo.Functions.Tools;

/// <summary>Limits of every tool. Section <c>Cosmo:Tools</c>.</summary>
internal sealed class ToolOptions
{
    public const string Section = "Cosmo:Tools";

    /// <summary>How long one call of a tool may take, in seconds: 0.1 to 300, default 20.</summary>
    [Range(0.1, 300, ErrorMessage = "Cosmo:Tools:TimeLimitSeconds must lie between 0.1 and 300.")]
    public double TimeLimitSeconds { get; set; } = 20;

    /// <summary>The longest output that the model is given, in bytes: 1,024 to 1,048,576, default 16,384. What is longer is cut.</summary>
    [Range(1024, 1_048_576, ErrorMessage = "Cosmo:Tools:MaxOutputBytes must lie between 1024 and 1048576.")]
    public int MaxOutputBytes { get; set; } = 16_384;
}
