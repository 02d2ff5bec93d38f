using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Cosmo.Functions.Hosting.Observability;

/// <summary>
/// Cosmo's one source of spans and its one meter. Names, units and boundaries are those of OpenTelemetry's semantic conventions where there are any (1.44; those for
/// generative AI as they stand since they have a repository of their own). What a tag can be is known beforehand: no id of a channel, a message or a user is one.
/// </summary>
internal static class Telemetry
{
    public const string Name = "Cosmo";

    private static readonly InstrumentAdvice<double> Calls = new() { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] };
    private static readonly InstrumentAdvice<double> DatabaseCalls = new() { HistogramBucketBoundaries = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] };

    private static readonly InstrumentAdvice<double> Operations = new()
    {
        HistogramBucketBoundaries = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
    };

    public static ActivitySource Source { get; } = new(Name);

    public static Meter Meter { get; } = new(Name);

    public static Counter<long> AnswersStarted { get; } = Meter.CreateCounter<long>("cosmo.conversations.started", "{conversation}", "Answers begun.");

    public static Counter<long> AnswersCompleted { get; } = Meter.CreateCounter<long>("cosmo.conversations.completed", "{conversation}", "Answers told whole.");

    /// <summary>Tagged with <c>cause</c>.</summary>
    public static Counter<long> AnswersFailed { get; } = Meter.CreateCounter<long>("cosmo.conversations.failed", "{conversation}", "Answers that failed, or were cancelled.");

    /// <summary>From the receipt of a message to the first text of its answer.</summary>
    public static Histogram<double> FirstText { get; } = Meter.CreateHistogram<double>(
        "cosmo.conversation.time_to_first_text", "s", "From the receipt of a message to the first text of its answer.", advice: Operations);

    /// <summary>From the receipt of a message to its final update. Tagged with <c>outcome</c>.</summary>
    public static Histogram<double> Overall { get; } = Meter.CreateHistogram<double>(
        "cosmo.conversation.duration", "s", "From the receipt of a message to its final update.", advice: Operations);

    /// <summary>From the receipt of a message to the beginning of the work on it: mostly the wait for its turn.</summary>
    public static Histogram<double> TurnWait { get; } = Meter.CreateHistogram<double>(
        "cosmo.turn.wait.duration", "s", "From the receipt of a message to the beginning of the work on it.", advice: Operations);

    /// <summary>Tagged with <c>cosmo.queue</c>: <c>messages</c> or <c>dead_letters</c>.</summary>
    public static Gauge<long> QueueMessages { get; } = Meter.CreateGauge<long>("cosmo.queue.messages", "{message}", "Messages that lie ready in a queue.");

    public static Gauge<long> QueueConsumers { get; } = Meter.CreateGauge<long>("cosmo.queue.consumers", "{consumer}", "Who consumes from the queue of messages.");

    /// <summary>Pieces of text that went out with a later one.</summary>
    public static Counter<long> UpdatesConflated { get; } = Meter.CreateCounter<long>(
        "cosmo.updates.conflated", "{update}", "Pieces of text that went out with a later one.");

    /// <summary>Tagged with <c>cause</c>.</summary>
    public static Counter<long> DeadLetters { get; } = Meter.CreateCounter<long>("cosmo.dead_letters.written", "{message}", "Messages put on the dead-letter exchange.");

    /// <summary>Tagged with provider and model, and with <c>error.type</c> if it failed.</summary>
    public static Histogram<double> ModelDuration { get; } = Meter.CreateHistogram<double>(
        "gen_ai.client.operation.duration", "s", "A round of the model, with its retries.", advice: Operations);

    public static Histogram<double> FirstChunk { get; } = Meter.CreateHistogram<double>(
        "gen_ai.client.operation.time_to_first_chunk", "s", "From a request to the first event of its stream.", advice: Operations);

    public static Counter<long> InputTokens { get; } = Meter.CreateCounter<long>(
        "gen_ai.client.inference.usage.input_tokens", "{token}", "Tokens given to the model, those from its cache among them.");

    public static Counter<long> CachedInputTokens { get; } = Meter.CreateCounter<long>(
        "gen_ai.client.inference.usage.cache_read.input_tokens", "{token}", "Tokens given to the model that it had in its cache.");

    public static Counter<long> OutputTokens { get; } = Meter.CreateCounter<long>("gen_ai.client.inference.usage.output_tokens", "{token}", "Tokens that the model gave.");

    /// <summary>Tagged with the tool and <c>cosmo.tool.outcome</c>, and with <c>error.type</c> if it failed.</summary>
    public static Histogram<double> ToolDuration { get; } = Meter.CreateHistogram<double>("gen_ai.execute_tool.duration", "s", "Calls of tools.", advice: Operations);

    /// <summary>Deliveries of the queue, until they are taken in or refused.</summary>
    public static Histogram<double> ProcessDuration { get; } = Meter.CreateHistogram<double>(
        "messaging.process.duration", "s", "Taking in a message from the queue.", advice: Calls);

    /// <summary>Tagged with <c>error.type</c> if it failed.</summary>
    public static Counter<long> SentMessages { get; } = Meter.CreateCounter<long>("messaging.client.sent.messages", "{message}", "Updates sent to clients, each try.");

    public static Histogram<double> SendDuration { get; } = Meter.CreateHistogram<double>("messaging.client.operation.duration", "s", "Sending an update to clients.", advice: Calls);

    public static Histogram<double> RedisDuration { get; } = Meter.CreateHistogram<double>("db.client.operation.duration", "s", "Commands to Redis.", advice: DatabaseCalls);

    /// <summary>Says of a span, if there is one, that what it is about failed.</summary>
    /// <param name="span">The span.</param>
    /// <param name="type">A word out of few.</param>
    public static void Fail(this Activity? span, string type) => span?.SetTag("error.type", type).SetStatus(ActivityStatusCode.Error);
}
