using System.CommandLine;
using Cosmo.Local.Host;
using Cosmo.Local.Terminal;

if (OldNames.Answer(args) is { } renamed)
{
    await Console.Error.WriteLineAsync(renamed);
    return ExitCodes.CalledWrongly;
}

try
{
    // Each verb handles the signals itself: it needs longer to drain than the parser would give it.
    return await CosmoCommand.InvokeAsync(args, new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
}
catch (StartupException error)
{
    await Console.Error.WriteLineAsync(error.Message);
    return ExitCodes.Failed;
}
catch (TerminalException error)
{
    await Console.Error.WriteLineAsync(error.Message);
    return error.ExitCode;
}
