using System.Text.RegularExpressions;

namespace Cosmo.Local.Host.Functions;

/// <summary>Settings of the app that a function needs: by name, or between percent signs in a text of its bindings.</summary>
internal static partial class SettingReferences
{
    /// <exception cref="StartupException">A setting is missing.</exception>
    public static string Resolve(this IConfiguration settings, string text, FunctionDefinition function) =>
        Reference().Replace(text, match => settings.Required(match.Groups[1].Value, function));

    /// <exception cref="StartupException">The setting is missing.</exception>
    public static string Required(this IConfiguration settings, string name, FunctionDefinition function) =>
        settings.Named(name) is { Length: > 0 } value
            ? value
            : throw new StartupException($"{name} is missing, and function '{function.Name}' needs it; set it in local.settings.json or in the environment.");

    /// <summary>Whether <c>AzureWebJobs.NAME.Disabled</c> switches the function off.</summary>
    public static bool Disables(this IConfiguration settings, FunctionDefinition function) =>
        (settings[$"AzureWebJobs.{function.Name}.Disabled"] ?? settings.Named($"AzureWebJobs__{function.Name}__Disabled")) is { } value
            && (value.Equals("true", StringComparison.OrdinalIgnoreCase) || value == "1");

    private static string? Named(this IConfiguration settings, string name) => settings[name] ?? settings[name.Replace("__", ":")];

    [GeneratedRegex("%([^%]+)%")]
    private static partial Regex Reference();
}
