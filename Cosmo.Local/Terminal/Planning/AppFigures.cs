namespace Cosmo.Local.Terminal.Planning;

/// <summary>
/// What one answer takes of each service, counted in the code: for an answer that nothing goes wrong with, whose channel is free, has a thread and no owner, of a
/// user without limits. A figure that was measured takes the place of one that was counted.
/// </summary>
internal static class AppFigures
{
    /// <summary>Durable actions for the start of the orchestration <c>AnswerMessage</c>.</summary>
    public const int StartActions = 1;

    /// <summary>Durable actions of an activity: it is dispatched, and so is its result.</summary>
    public const int ActionsAnActivity = 2;

    /// <summary>
    /// The timer of the first deadline (<c>DeadlineWatch</c>). It is obsolete when the answer is there, and comes all the same: whether that is billed is not published, so it is counted.
    /// </summary>
    public const int TimerActions = 1;

    /// <summary>Seconds from the model's first event until the orchestration is told of it: a tenth of the 45 that it waits for (<c>Heartbeat</c>).</summary>
    public const double FirstProgressSeconds = 4.5;

    /// <summary>Seconds between two such events (<c>Heartbeat</c>).</summary>
    public const double ProgressSeconds = 15;

    /// <summary>Bytes of history that the Durable store keeps of an answer without tools, as the recorded ones of the tests have (<c>Answering/Histories</c>).</summary>
    public const double HistoryBytes = 4_200;

    /// <summary>And for each round of tools.</summary>
    public const double HistoryBytesAToolRound = 1_700;

    /// <summary>Requests to Azure Storage for a message of a queue of the Durable store: it is put there, got and deleted. One get may bring 32, so it is no more than that.</summary>
    public const int StorageRequestsAMessage = 3;

    /// <summary>Requests to Azure Storage each time that an orchestration goes on: its history is read and appended to, its instance updated.</summary>
    public const int StorageRequestsAStep = 3;

    /// <summary>Scripts that Redis runs for an answer without tools and without its text: turn, claim, thread, response, statuses, of which one is recorded with the first text, usage, history, the end.</summary>
    public const int RedisScripts = 12;

    /// <summary>Other commands of the same answer: what reads or sets one thing.</summary>
    public const int RedisCommands = 6;

    /// <summary>Scripts for a round of tools with one call: what was said so far, usage, statuses, the call, the next response.</summary>
    public const int RedisScriptsAToolRound = 8;

    /// <summary>Other commands of such a round.</summary>
    public const int RedisCommandsAToolRound = 8;

    /// <summary>Scripts for an update with text, which is recorded (<c>UpdateLog</c>).</summary>
    public const int RedisScriptsAnUpdate = 1;

    /// <summary>Other commands for it: that it has left is noted.</summary>
    public const int RedisCommandsAnUpdate = 1;

    /// <summary>Updates without text that grows: <c>started</c>, <c>responding</c>, and the final one, which has all the text.</summary>
    public const int StatusUpdates = 3;

    /// <summary>And for a round of tools with one call: <c>processing</c>, the call begins, the call ends.</summary>
    public const int StatusUpdatesAToolRound = 3;

    /// <summary>Bytes of an update around its text, with channel and message ids of 36 characters (<c>Update</c>).</summary>
    public const int EnvelopeBytes = 310;

    /// <summary>Bytes of the frame around an update for clients of <c>json.webpubsub.azure.v1</c>.</summary>
    public const int FrameBytes = 110;

    /// <summary>An update with text goes out when so many characters have gathered (<c>Cosmo:Delivery:CoalesceCharacters</c>)…</summary>
    public const int CoalesceCharacters = 10;

    /// <summary>…or so many seconds have passed (<c>Cosmo:Delivery:CoalesceSeconds</c>), but no more often than this (<c>Cosmo:Delivery:UpdatesPerSecond</c>).</summary>
    public const double CoalesceSeconds = 1;

    public const double UpdatesPerSecond = 10;

    /// <summary>Of a text so much has to be new, which is waited for so long where it has up to so many characters (<c>TextPace</c>).</summary>
    public const double NewShare = 0.02;
    public const double LongestStepSeconds = 0.3;
    public const int ShortText = 4000;

    /// <summary>And of a longer one for so long.</summary>
    public const double LongestStepOfLongTextSeconds = 1;

    /// <summary>A rest is so many times as long as the send before it, at least.</summary>
    public const int RestShare = 2;

    /// <summary>Activities that an instance has under way at most (host.json, <c>maxConcurrentActivityFunctions</c>).</summary>
    public const int ActivitiesAnInstance = 2_000;

    /// <summary>Queues by which Azure Storage hands orchestrations out: the provider's default, which host.json leaves as it is (<c>partitionCount</c>).</summary>
    public const int Partitions = 4;

    /// <summary>Rounds of the model, and the call of a tool in each but the last.</summary>
    public static double Activities(double toolRounds) => 1 + (2 * toolRounds);

    /// <summary>How often the orchestration is told that the model is alive.</summary>
    /// <param name="seconds">How long the answer takes.</param>
    public static int ProgressEvents(double seconds) => seconds <= FirstProgressSeconds ? 0 : 1 + (int)((seconds - FirstProgressSeconds) / ProgressSeconds);

    /// <summary>What the Durable Task Scheduler bills for an answer.</summary>
    public static double DurableActions(double toolRounds, double seconds) =>
        StartActions + (ActionsAnActivity * Activities(toolRounds)) + ProgressEvents(seconds) + TimerActions;

    /// <summary>
    /// The updates with text, and the characters of all of them together, where each carries all the text so far (<c>TextPace</c>). The first piece goes at once; the
    /// last ones go with the final update.
    /// </summary>
    /// <param name="characters">How long the answer is.</param>
    /// <param name="charactersASecond">How fast the model writes.</param>
    /// <param name="charactersAToken">In what pieces.</param>
    /// <param name="sendSeconds">How long one update takes to leave; the rest behind it is twice as long, at least.</param>
    public static (int Updates, double Characters) Text(double characters, double charactersASecond, double charactersAToken, double sendSeconds)
    {
        var (updates, all) = (0, 0d);
        for (var length = charactersAToken; length <= characters; length += Step(length))
        {
            updates++;
            all += length;
        }

        return (updates, all);

        double Step(double length)
        {
            var gathered = Math.Ceiling(CoalesceCharacters / charactersAToken) * charactersAToken;
            var longest = charactersASecond * (length <= ShortText ? LongestStepSeconds : LongestStepOfLongTextSeconds);
            var wanted = Math.Max(gathered, Math.Min(NewShare * length, longest));
            var patience = Math.Max(charactersASecond * CoalesceSeconds, charactersAToken);
            return Math.Max(Math.Min(wanted, patience), charactersASecond * Math.Max(1 / UpdatesPerSecond, (1 + RestShare) * sendSeconds));
        }
    }
}
