using Cosmo.Functions.Tools.Files.Mcp;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tools.Files;

/// <summary>The tools that files declare.</summary>
internal sealed class DeclaredTools
{
    /// <param name="options">Where the files are.</param>
    /// <param name="settings">What stands in the place of <c>%NAME%</c>.</param>
    /// <param name="api">Sends the requests.</param>
    /// <param name="servers">Makes the connection to a server.</param>
    public DeclaredTools(IOptions<ToolOptions> options, IConfiguration settings, ApiClient api, Func<ToolFile, McpDefinition, McpServer> servers)
    {
        // Faults have been told by the options' validation.
        var files = ToolFolder.Read(options.Value.Path, settings, []);
        Servers = [.. files.Where(file => file.Mcp is not null).Select(file => servers(file, file.Mcp!))];
        All =
        [
            .. files.Where(file => file.Http is not null).Select(file => new HttpTool(file, file.Http!, api)),
            .. Servers.SelectMany(server => server.Tools),
        ];
    }

    public IReadOnlyList<ITool> All { get; }

    public IReadOnlyList<McpServer> Servers { get; }
}

/// <summary>Where the files are: in <c>Tools</c> beside the app, and in the folder that a setting names.</summary>
internal static class ToolFolder
{
    private const string Name = "Tools";

    public static IReadOnlyList<ToolFile> Read(string? path, IConfiguration settings, ICollection<string> faults)
    {
        var named = string.IsNullOrWhiteSpace(path) ? null : Path.GetFullPath(path, AppContext.BaseDirectory);
        if (named is not null && !Directory.Exists(named))
        {
            faults.Add($"{ToolOptions.Section}:Path (TOOLS_PATH) names {named}, which is no folder.");
        }

        return
        [
            .. new[] { Path.Combine(AppContext.BaseDirectory, Name), named }.OfType<string>().Distinct().Where(Directory.Exists)
                .SelectMany(folder => Directory.GetFiles(folder, "*.json").Order(StringComparer.Ordinal))
                .Select(file => ToolFileReader.Read(file, settings, faults))
                .OfType<ToolFile>(),
        ];
    }
}

/// <summary>Has all that is wrong with the files stop the start-up.</summary>
internal sealed class ToolFilesValidation(IConfiguration settings) : IValidateOptions<ToolOptions>
{
    public ValidateOptionsResult Validate(string? name, ToolOptions options)
    {
        var faults = new List<string>();
        ToolFolder.Read(options.Path, settings, faults);
        return faults.Count > 0 ? ValidateOptionsResult.Fail(faults) : ValidateOptionsResult.Success;
    }
}
