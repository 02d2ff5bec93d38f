using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Cosmo.Functions.Hosting;

/// <summary>Cosmo's one source of spans and its one meter.</summary>
internal static class Telemetry
{
    public const string Name = "Cosmo";

    public static ActivitySource Source { get; } = new(Name);

    public static Meter Meter { get; } = new(Name);

    public static Counter<long> AnswersStarted { get; } = Meter.CreateCounter<long>("cosmo.conversations.started", "{conversation}");

    public static Counter<long> AnswersCompleted { get; } = Meter.CreateCounter<long>("cosmo.conversations.completed", "{conversation}");

    /// <summary>Tagged with <c>cause</c>.</summary>
    public static Counter<long> AnswersFailed { get; } = Meter.CreateCounter<long>("cosmo.conversations.failed", "{conversation}");

    /// <summary>From the beginning of the model's work to the first text.</summary>
    public static Histogram<double> FirstText { get; } = Meter.CreateHistogram<double>("cosmo.first_text", "s");

    /// <summary>From the receipt of a message to its final update.</summary>
    public static Histogram<double> Overall { get; } = Meter.CreateHistogram<double>("cosmo.conversation.duration", "s");

    /// <summary>Tagged with <c>tool</c>.</summary>
    public static Histogram<double> ToolDuration { get; } = Meter.CreateHistogram<double>("cosmo.tool.duration", "s");

    public static Counter<long> UpdatesSent { get; } = Meter.CreateCounter<long>("cosmo.updates.sent", "{update}");

    /// <summary>Pieces of text that went out with a later one.</summary>
    public static Counter<long> UpdatesConflated { get; } = Meter.CreateCounter<long>("cosmo.updates.conflated", "{update}");
}
