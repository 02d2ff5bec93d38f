using System.Globalization;

namespace Cosmo.Functions.Messaging;

/// <summary>
/// What a message's headers say of the attempts at it. A dead letter that somebody moves back into the queue keeps its headers, and that is how it is known:
/// one that Cosmo wrote names the cause of its failure, one that the broker put away has its deaths in this queue counted. A delivery that merely comes
/// again has the same headers, and so is the same attempt.
/// </summary>
internal static class LetterHeaders
{
    public const string Deaths = "x-death";

    /// <summary>How often the RabbitMQ extension has tried. It must be a number there: as the text that a dead letter would make of it, the extension stumbles over it.</summary>
    private const string Tries = "x-ms-rabbitmq-requeuecount";

    private const int MostDeaths = 1_000_000;

    /// <summary>Whether a header tells of a failure or of the way here, and says nothing to another attempt.</summary>
    public static bool IsOfThePast(string name) =>
        name is DeadLetters.IdHeader or DeadLetters.CauseHeader or DeadLetters.ReasonHeader or DeadLetters.FailedAtHeader or DeadLetters.ChannelHeader or DeadLetters.MessageIdHeader
            or DeliveryProperties.AttemptHeader or Deaths or Tries or DeliveryProperties.PublicationHeader
        || name.StartsWith("x-first-death-", StringComparison.Ordinal)
        || name.StartsWith("x-last-death-", StringComparison.Ordinal);

    /// <summary>The attempt that a delivery with such headers is: 1 for a first one.</summary>
    /// <param name="attempt">What the header of that name says, if anything.</param>
    /// <param name="hasCause">Cosmo wrote it as a dead letter.</param>
    /// <param name="deaths">How often the broker took it out of which queue.</param>
    /// <param name="queue">The queue that messages are read from.</param>
    public static int AttemptOf(string? attempt, bool hasCause, IEnumerable<(string? Queue, long Count)> deaths, string queue)
    {
        var written = int.TryParse(attempt, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : 1;
        var died = deaths.Where(death => death.Queue == queue).Sum(death => Math.Clamp(death.Count, 1, MostDeaths));
        return (int)Math.Min(int.MaxValue, written + (hasCause ? 1 : 0) + died);
    }
}
