namespace Cosmo.Local.Terminal;

/// <summary>What the commands of the old worker are called now.</summary>
internal static class OldNames
{
    private static readonly Dictionary<string, string> Names = new()
    {
        ["--generate-uuid"] = "cosmo channel new",
        ["--test-message"] = "cosmo send CHANNEL TEXT",
        ["--create-assistant"] = "cosmo assistant create",
        ["--delete-assistant"] = "cosmo assistant delete ID",
        ["--clear-all-threads"] = "cosmo threads clear --all",
        ["--clear-old-threads"] = "cosmo threads clear-old DAYS",
        ["--show-thread-stats"] = "cosmo stats",
    };

    /// <summary>A sentence that names the new command, or null if the first argument is no old one.</summary>
    public static string? Answer(IReadOnlyList<string> arguments) =>
        arguments.Count > 0 && Names.TryGetValue(arguments[0].Split('=')[0], out var now) ? $"{arguments[0].Split('=')[0]} is now: {now}" : null;
}
