using System.CommandLine;

namespace Cosmo.Local.Terminal;

/// <summary>What several verbs share.</summary>
internal static class CommonOptions
{
    public static Option<string> Data() => new("--data")
    {
        Description = "The folder for keys, orchestrations and other data.",
        DefaultValueFactory = _ => ".cosmo",
    };
}
