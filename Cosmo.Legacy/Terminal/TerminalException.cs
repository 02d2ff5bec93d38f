namespace Cosmo.Local.Terminal;

/// <summary>Ends a command with a sentence for its user.</summary>
internal sealed class TerminalException(int exitCode, string message, Exception? innerException = null) : Exception(message, innerException)
{
    public int ExitCode { get; } = exitCode;
}
