namespace Cosmo.Local.Terminal.Processes;

/// <summary>What npm has installed in a folder.</summary>
internal static class NodePackages
{
    /// <summary>npm's own note of what it installed.</summary>
    public static FileInfo Installed(string folder) => new(Path.Combine(folder, "node_modules", ".package-lock.json"));

    public static FileInfo Wanted(string folder) => new(Path.Combine(folder, "package-lock.json"));

    /// <summary>Whether it was installed since the lock was last changed.</summary>
    public static bool AreCurrent(string folder) => Installed(folder) is { Exists: true } installed && installed.LastWriteTimeUtc >= Wanted(folder).LastWriteTimeUtc;
}
