namespace Cosmo.Functions.Delivery;

/// <param name="Length">Characters that it had.</param>
/// <param name="At">When it had left.</param>
/// <param name="Took">How long it took to record and to send.</param>
internal readonly record struct SentText(int Length, DateTimeOffset At, TimeSpan Took);

/// <summary>
/// When the text of an answer that grows is sent again. Each update carries all the text, so the steps between two grow with it: then an answer's bytes grow little
/// faster than its length. And they grow with the time that a send takes: so where everything is busy, all answers are told less often, and none of them late.
/// </summary>
internal sealed class TextPace(DeliveryOptions options)
{
    /// <summary>So much of the text has to be new, but nobody waits for it for longer than the steps below.</summary>
    public const double NewShare = 0.02;

    /// <summary>A text up to this length, in characters, counts as short.</summary>
    public const int ShortText = 4000;

    /// <summary>Of the time to the next text so much, at least, is not spent on sending.</summary>
    public const int RestShare = 2;

    public static readonly TimeSpan LongestStep = TimeSpan.FromMilliseconds(300);
    public static readonly TimeSpan LongestStepOfLongText = TimeSpan.FromSeconds(1);

    private readonly TimeSpan _shortestStep = TimeSpan.FromSeconds(1 / options.UpdatesPerSecond);
    private readonly TimeSpan _patience = TimeSpan.FromSeconds(options.CoalesceSeconds);

    /// <summary>How long the text has to wait as it is now; nothing, or less, when it is due.</summary>
    /// <param name="last">What was sent last.</param>
    /// <param name="length">How many characters there are.</param>
    /// <param name="now">The time.</param>
    public TimeSpan DueIn(SentText last, int length, DateTimeOffset now)
    {
        var gathered = length - last.Length;
        var step = gathered >= Wanted(last) ? ShortestStep(last)
            : gathered >= options.CoalesceCharacters ? Longer(ShortestStep(last), last.Length <= ShortText ? LongestStep : LongestStepOfLongText)
            : Longer(ShortestStep(last), _patience);
        return last.At + step - now;
    }

    /// <summary>How many characters make it due sooner; null where none do.</summary>
    /// <param name="last">What was sent last.</param>
    /// <param name="length">How many characters there are.</param>
    public int? SoonerFrom(SentText last, int length)
    {
        var gathered = length - last.Length;
        return gathered < options.CoalesceCharacters ? last.Length + options.CoalesceCharacters
            : gathered < Wanted(last) ? last.Length + Wanted(last)
            : null;
    }

    private int Wanted(SentText last) => Math.Max(options.CoalesceCharacters, (int)Math.Ceiling(NewShare * last.Length));

    private TimeSpan ShortestStep(SentText last) => Longer(_shortestStep, last.Took * RestShare);

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
