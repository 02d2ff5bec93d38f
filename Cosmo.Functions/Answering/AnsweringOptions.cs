using System.ComponentModel.DataAnnotations;
using Cosmo.Functions.Answering.Deadlines;

namespace Cosmo.Functions.Answering;

/// <summary>Deadlines and turns. Section <c>Cosmo:Conversations</c>. The defaults of the deadlines are the wire contract's (section 2).</summary>
internal sealed class AnsweringOptions
{
    public const string Section = "Cosmo:Conversations";
    public const string Enqueue = "enqueue";
    public const string Reject = "reject";
    public const string Interrupt = "interrupt";
    public const string Merge = "merge";
    public const int DefaultApprovalMinutes = 10;

    /// <summary>Until the model's first event, in seconds: 1 to 600, default 45.</summary>
    [Range(1, 600, ErrorMessage = "Cosmo:Conversations:FirstEventSeconds must lie between 1 and 600.")]
    public double FirstEventSeconds { get; set; } = 45;

    /// <summary>Between two events, in seconds: 20 to 600 (an activity reports every 15 s), default 60.</summary>
    [Range(20, 600, ErrorMessage = "Cosmo:Conversations:StallSeconds must lie between 20 and 600.")]
    public double StallSeconds { get; set; } = 60;

    /// <summary>For the whole answer, from the beginning of its turn, in seconds: 1 to 3600, default 90.</summary>
    [Range(1, 3600, ErrorMessage = "Cosmo:Conversations:OverallSeconds must lie between 1 and 3600.")]
    public double OverallSeconds { get; set; } = 90;

    /// <summary>How often in a row the model may ask for tools: 1 to 32, default 8.</summary>
    [Range(1, 32, ErrorMessage = "Cosmo:Conversations:MaxToolRounds must lie between 1 and 32.")]
    public int MaxToolRounds { get; set; } = 8;

    /// <summary>How long a person may take to approve a call of a tool, in minutes: 1 to 1440, default 10. After that it counts as a no.</summary>
    [Range(1, 1440, ErrorMessage = "Cosmo:Conversations:ApprovalMinutes (APPROVAL_MINUTES) must lie between 1 and 1440.")]
    public int ApprovalMinutes { get; set; } = DefaultApprovalMinutes;

    /// <summary>How many messages of one channel may wait behind the one that is answered: 1 to 1000, default 20.</summary>
    [Range(1, 1000, ErrorMessage = "Cosmo:Conversations:MaxWaiting must lie between 1 and 1000.")]
    public int MaxWaiting { get; set; } = 20;

    /// <summary>
    /// What becomes of a message that arrives while another of its channel is answered: <c>enqueue</c> (default) lets it wait, <c>reject</c> refuses it,
    /// <c>interrupt</c> cancels what is before it, <c>merge</c> lets it wait and asks those that wait together as one.
    /// </summary>
    [AllowedValues(Enqueue, Reject, Interrupt, Merge, ErrorMessage = "Cosmo:Conversations:WhenBusy must be enqueue, reject, interrupt or merge.")]
    public string WhenBusy { get; set; } = Enqueue;

    /// <summary>How many days the histories of orchestrations are kept, by the setting of Administration: for so long Cosmo knows of which messages there are some.</summary>
    public int HistoryDays { get; set; } = 7;

    /// <summary>How long Redis is waited for: less than the time to the first event, so that the client is told the true cause.</summary>
    public TimeSpan RedisPatience => TimeSpan.FromSeconds(FirstEventSeconds * 2 / 3);

    public AnswerDeadlines Deadlines => new(TimeSpan.FromSeconds(FirstEventSeconds), TimeSpan.FromSeconds(StallSeconds), TimeSpan.FromSeconds(OverallSeconds));
}
