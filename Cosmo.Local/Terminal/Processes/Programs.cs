namespace Cosmo.Local.Terminal.Processes;

/// <summary>The programs of this machine.</summary>
internal static class Programs
{
    /// <summary>The path of a program that the shell would find; null if there is none.</summary>
    public static string? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Append("/usr/sbin")
            .Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);

    /// <summary>This program with other arguments.</summary>
    public static Launch Own(params IReadOnlyList<string> arguments) => Of(typeof(Programs).Assembly.Location, arguments);

    /// <summary>A program of .NET.</summary>
    public static Launch Of(string assembly, params IReadOnlyList<string> arguments)
    {
        var path = Environment.ProcessPath;
        return new Launch(Path.GetFileNameWithoutExtension(path) == "dotnet" ? path! : "dotnet", [assembly, .. arguments]);
    }
}

/// <summary>Debian's packages, where this user may install them.</summary>
internal static class DebianPackages
{
    /// <summary>Only one may be at it at a time.</summary>
    private static readonly SemaphoreSlim Turn = new(1);

    /// <summary>Installs packages.</summary>
    /// <returns>Whether that was possible here, and done.</returns>
    public static async Task<bool> TryInstallAsync(string logFolder, IReadOnlyList<string> packages, CancellationToken cancellationToken)
    {
        var log = Path.Combine(logFolder, "apt.log");
        if (Programs.Find("apt-get") is null || await AsRootAsync(log, cancellationToken) is not { } asRoot)
        {
            return false;
        }

        await Turn.WaitAsync(cancellationToken);
        try
        {
            return await InstallAsync(log, asRoot, packages, cancellationToken);
        }
        finally
        {
            Turn.Release();
        }
    }

    private static async Task<bool> InstallAsync(string log, string[] asRoot, IReadOnlyList<string> packages, CancellationToken cancellationToken)
    {
        Console.WriteLine($"Installing Debian packages: {string.Join(' ', packages)}");
        await LongStep.RunAsync(Command([.. asRoot, "apt-get", "update", "-qq"]), log, cancellationToken);
        string[] install = [.. asRoot, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-qq", "-y", "--no-install-recommends", .. packages];
        if (await LongStep.RunAsync(Command(install), log, cancellationToken) == 0)
        {
            return true;
        }

        await Console.Error.WriteLineAsync(string.Join('\n', LogFile.End(log, 5)));
        return false;
    }

    /// <summary>What to put before a command that only root may run; null if this user may not.</summary>
    private static async Task<string[]?> AsRootAsync(string log, CancellationToken cancellationToken) =>
        Environment.IsPrivilegedProcess ? []
        : Programs.Find("sudo") is not null && await LongStep.RunAsync(Command(["sudo", "-n", "true"]), log, cancellationToken) == 0 ? ["sudo", "-n"]
        : null;

    private static Launch Command(string[] words) => new(words[0], words[1..]);
}
