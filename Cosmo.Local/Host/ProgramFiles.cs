namespace Cosmo.Local.Host;

/// <summary>Files that stand at the root of the repository and are copied beside the program when it is built.</summary>
internal static class ProgramFiles
{
    /// <summary>The repository that <c>./cosmo</c> stands in, or the working directory where something else started the program.</summary>
    public static string Root => Environment.GetEnvironmentVariable("COSMO_ROOT") is { Length: > 0 } root ? root : Environment.CurrentDirectory;

    /// <summary>The path in the working directory if the file is there, else in the repository, else beside the program, else null.</summary>
    public static string? Find(string name) =>
        new[] { Environment.CurrentDirectory, Root, AppContext.BaseDirectory }.Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
}
