using System.Text.RegularExpressions;

namespace Cosmo.Local.Runtime.Indexing;

/// <summary>Names of settings between percent signs, as the trigger attributes carry them.</summary>
internal static partial class SettingReferences
{
    /// <exception cref="StartupException">A setting is missing.</exception>
    public static string Resolve(this IConfiguration settings, string text, IndexedFunction function) =>
        Reference().Replace(text, match => settings.Required(match.Groups[1].Value, function));

    /// <exception cref="StartupException">The setting is missing.</exception>
    public static string Required(this IConfiguration settings, string name, IndexedFunction function) =>
        settings[name.Replace("__", ":")] is { Length: > 0 } value
            ? value
            : throw new StartupException($"{name} is missing, and function '{function.Name}' needs it; set it in local.settings.json or in the environment.");

    [GeneratedRegex("%([^%]+)%")]
    private static partial Regex Reference();
}
