using Cosmo.Functions.Assistants;
using Cosmo.Functions.Assistants.Profiles;
using Cosmo.Functions.Tools;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Assistants;

/// <summary>Catalogs of profiles without tools.</summary>
internal static class TestProfiles
{
    /// <summary>The built-in profile alone.</summary>
    public static ProfileCatalog BuiltIn { get; } = In(null);

    /// <summary>The profiles of a folder.</summary>
    /// <exception cref="OptionsValidationException">One cannot be read.</exception>
    public static ProfileCatalog In(string? folder, params IEnumerable<ITool> tools) => new(
        new Toolbox(tools, Options.Create(new ToolOptions()), TimeProvider.System, NullLogger<Toolbox>.Instance),
        Options.Create(new AssistantOptions { ProfilesPath = folder }));
}
