using System.CommandLine;

namespace Cosmo.Local.Runtime.Commands;

/// <summary>What both verbs share: where data are kept, and the settings.</summary>
internal static class CommonOptions
{
    public static Option<string> Data() => new("--data")
    {
        Description = "The folder for keys, orchestrations and other data.",
        DefaultValueFactory = _ => ".cosmo",
    };

    /// <summary>The values of the settings file, under the environment's.</summary>
    public static IConfiguration Configuration(LocalSettings settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(settings.Settings).AddEnvironmentVariables().Build();
}
