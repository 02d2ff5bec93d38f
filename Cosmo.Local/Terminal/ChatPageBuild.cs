using System.Text.RegularExpressions;
using Cosmo.Local.Emulators;
using Cosmo.Local.Terminal.Processes;

namespace Cosmo.Local.Terminal;

/// <summary>The chat page, built with npm and vite from its sources in <c>Cosmo.Client</c>.</summary>
/// <param name="root">The repository.</param>
/// <param name="logFolder">Where what npm and vite say goes.</param>
internal sealed partial class ChatPageBuild(string root, string logFolder)
{
    private static readonly Version OldestNode = new(20, 19);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly string _log = Path.Combine(logFolder, "page.log");

    private string Folder { get; } = Path.Combine(root, "Cosmo.Client", "page");

    /// <summary>Whether it was never built, or something that it is built from has changed since. Without sources there is nothing to build.</summary>
    public bool IsOutdated
    {
        get
        {
            if (!File.Exists(Path.Combine(Folder, "package.json")))
            {
                return false;
            }

            var built = new FileInfo(Path.Combine(ChatPage.FolderIn(root), "index.html"));
            return !built.Exists || Sources().Any(file => file.LastWriteTimeUtc > built.LastWriteTimeUtc);
        }
    }

    /// <summary>Builds it if it is outdated.</summary>
    /// <returns>Null, or the sentence that says why it could not be built.</returns>
    public async Task<string?> TryRunAsync(CancellationToken cancellationToken)
    {
        if (!IsOutdated)
        {
            return null;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            return await RunAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"The chat page was not built within {Limit.TotalMinutes} minutes; see {_log}.";
        }
    }

    private async Task<string?> RunAsync(CancellationToken cancellationToken)
    {
        Console.WriteLine("Building the chat page.");
        if ((Programs.Find("node") is null || Programs.Find("npm") is null) && !await DebianPackages.TryInstallAsync(logFolder, ["nodejs", "npm"], cancellationToken))
        {
            return $"The chat page could not be built: that takes Node.js {OldestNode} or newer, with npm, from https://nodejs.org.";
        }

        if (await NodeVersionAsync(cancellationToken) is var version && version < OldestNode)
        {
            return $"The chat page could not be built: that takes Node.js {OldestNode} or newer, and this is {version}.";
        }

        if (!NodePackages.AreCurrent(Folder) && await StepAsync(new Launch("npm", "ci", "--omit=dev", "--no-audit", "--no-fund"), cancellationToken) != 0)
        {
            return $"The chat page could not be built: npm could not fetch what that takes; is there a network? See {_log}.";
        }

        return await StepAsync(new Launch("node", Path.Combine("node_modules", "vite", "bin", "vite.js"), "build"), cancellationToken) == 0
            ? null
            : $"The chat page could not be built; see {_log}.";
    }

    private Task<int> StepAsync(Launch launch, CancellationToken cancellationToken) => LongStep.RunAsync(launch with { Folder = Folder }, _log, cancellationToken);

    /// <summary>The page's own files, and the client package's, on which it is built.</summary>
    private IEnumerable<FileInfo> Sources()
    {
        var folders = (string[])[Path.Combine(Folder, "src"), Path.Combine(Folder, "public"), Path.Combine(root, "Cosmo.Client", "src")];
        return new DirectoryInfo(Folder).EnumerateFiles()
            .Concat(folders.Where(Directory.Exists).SelectMany(folder => new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories)));
    }

    private static async Task<Version> NodeVersionAsync(CancellationToken cancellationToken)
    {
        var said = "";
        using var node = ChildProcess.Start(new Launch("node", "--version"), line => said += line);
        node.Input.Close();
        await node.Ended.WaitAsync(cancellationToken);
        await node.WaitForOutputAsync(cancellationToken);
        return VersionNumber().Match(said) is { Success: true } match ? Version.Parse(match.Value) : new Version();
    }

    [GeneratedRegex(@"\d+\.\d+(\.\d+)?")]
    private static partial Regex VersionNumber();
}
