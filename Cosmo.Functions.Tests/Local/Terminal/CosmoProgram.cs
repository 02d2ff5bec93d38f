using System.Diagnostics;

namespace Cosmo.Functions.Tests.Local.Terminal;

/// <summary>A verb that runs until it is stopped, as its user starts it.</summary>
internal static class CosmoProgram
{
    public static Process Start(string? folder, params string[] arguments) =>
        Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [Path.Combine(AppContext.BaseDirectory, "Cosmo.Local.dll"), .. arguments])
        {
            WorkingDirectory = folder ?? "",
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;

    /// <summary>The first line from here on that has the text in it.</summary>
    public static async Task<string> ReadUntilAsync(Process program, string text, CancellationToken cancellationToken)
    {
        while (await program.StandardOutput.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.Contains(text, StringComparison.Ordinal))
            {
                return line;
            }
        }

        throw new InvalidOperationException($"The program ended: {await program.StandardError.ReadToEndAsync(cancellationToken)}");
    }
}
