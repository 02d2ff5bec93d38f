using System.ComponentModel.DataAnnotations;

namespace Cosmo.Functions.Administration;

/// <summary>What is kept for operators. Section <c>Cosmo:Administration</c>.</summary>
internal sealed class AdministrationOptions
{
    public const string Section = "Cosmo:Administration";

    /// <summary>Days after which the history of an orchestration that has ended is purged: 1 to 365, default 7.</summary>
    [Range(1, 365, ErrorMessage = "Cosmo:Administration:HistoryDays (HISTORY_RETENTION_DAYS) must be a number of days between 1 and 365.")]
    public int HistoryDays { get; set; } = 7;
}
