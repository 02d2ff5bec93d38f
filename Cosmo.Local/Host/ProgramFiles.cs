namespace Cosmo.Local.Host;

/// <summary>Files that stand at the root of the repository and are copied beside the program when it is built.</summary>
internal static class ProgramFiles
{
    /// <summary>The path in the working directory if the file is there, else beside the program, else null.</summary>
    public static string? Find(string name) =>
        new[] { Environment.CurrentDirectory, AppContext.BaseDirectory }.Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
}
