namespace Cosmo.Functions.Assistants;

/// <summary>Ids of threads.</summary>
internal static class ThreadId
{
    /// <summary>
    /// Whether the id is that of an OpenAI conversation (<c>conv_…</c>). The ids of the closed Assistants API (<c>thread_…</c>) are not:
    /// nothing stands behind them any more.
    /// </summary>
    public static bool IsCurrent(string? id) => id is not null && id.StartsWith("conv_", StringComparison.Ordinal);
}
