using System.CommandLine;
using Cosmo.Local.Host;
using Cosmo.Local.Terminal;

if (OldNames.Answer(args) is { } renamed)
{
    await Console.Error.WriteLineAsync(renamed);
    return ExitCodes.Failed;
}

var root = new RootCommand("Cosmo on one machine: the functions host and the services that stand in for Azure and OpenAI.") { FunctionsCommand.Create() };
foreach (var command in new OperatorCommands().Create())
{
    root.Subcommands.Add(command);
}

try
{
    // Each verb handles the signals itself: it needs longer to drain than the parser would give it.
    var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
    return await root.Parse(args).InvokeAsync(configuration);
}
catch (StartupException error)
{
    await Console.Error.WriteLineAsync(error.Message);
    return 1;
}
catch (TerminalException error)
{
    await Console.Error.WriteLineAsync(error.Message);
    return error.ExitCode;
}
