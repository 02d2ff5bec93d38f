using System.CommandLine;
using System.CommandLine.Parsing;
using Cosmo.Local.Host;
using Cosmo.Local.Terminal.Planning;
using Cosmo.Local.Terminal.Running;
using Cosmo.Local.Terminal.Testing;

namespace Cosmo.Local.Terminal;

/// <summary>All verbs of <c>./cosmo</c>.</summary>
internal static class CosmoCommand
{
    public static RootCommand Create()
    {
        var root = new RootCommand("Cosmo on one machine: runs it, tests it, and operates any deployment of it.") { HelpName = "cosmo" };
        Command[] verbs =
        [
            RunCommand.Create(), TestCommand.Create(), FuzzCommand.Create(), TortureCommand.Create(), MutantsCommand.Create(), BenchCommand.Create(), FunctionsCommand.Create(), EmulatorsCommand.Create(), WebPubSubCommand.Create(),
            PlanCommand.Create(),
            .. new OperatorCommands().Create(),
        ];
        foreach (var verb in verbs)
        {
            root.Subcommands.Add(verb);
        }

        return root;
    }

    /// <summary>Calls a verb. What is wrong with the call is told on the error output, and nothing is done.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> InvokeAsync(IReadOnlyList<string> arguments, InvocationConfiguration configuration)
    {
        var parsed = Create().Parse(arguments);
        string[] wrong = UnknownOption(parsed) is { } option ? [$"'{option}' is not an option of this verb."] : [.. parsed.Errors.Select(error => error.Message)];
        if (wrong.Length == 0)
        {
            return await parsed.InvokeAsync(configuration);
        }

        await configuration.Error.WriteLineAsync($"{string.Join('\n', wrong)}\nSee: {Path(parsed.CommandResult)} --help");
        return ExitCodes.CalledWrongly;
    }

    /// <summary>Else an option with a typing error in it would be taken for the text of a message, or the name of a channel. Behind <c>--</c> it is.</summary>
    private static string? UnknownOption(ParseResult parsed)
    {
        var before = parsed.Tokens.TakeWhile(token => token.Type != TokenType.DoubleDash).ToList();
        return parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens)
            .FirstOrDefault(token => token.Value is ['-', _, ..] && before.Exists(known => ReferenceEquals(known, token)))?.Value;
    }

    private static string Path(CommandResult result) => result.Parent is CommandResult parent ? $"{Path(parent)} {result.Command.Name}" : "cosmo";
}
