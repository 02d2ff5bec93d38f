using System.CommandLine;
using Cosmo.Local.Host;

namespace Cosmo.Local.Terminal;

/// <summary>What several verbs share.</summary>
internal static class CommonOptions
{
    public static Option<string?> Data() => new("--data")
    {
        Description = "The folder for keys, orchestrations and other data. [default: .cosmo]",
        HelpName = "DIR",
    };

    /// <summary>The full path of the folder; by default <c>.cosmo</c> in the repository that <c>./cosmo</c> stands in, else in the working directory.</summary>
    public static string DataFolder(string? given) => Path.GetFullPath(given ?? Path.Combine(ProgramFiles.Root, ".cosmo"));
}
