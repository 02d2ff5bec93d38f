using System.CommandLine;
using Cosmo.Local.Host;
using Cosmo.Local.Host.Http;
using Cosmo.Local.Terminal.Testing;
using Cosmo.Local.Terminal.Trials;

namespace Cosmo.Local.Terminal;

/// <summary>The operators' verbs, and the options that all of them have.</summary>
internal sealed class OperatorCommands
{
    private readonly Option<string?> _url = new("--url")
    {
        Description = "The deployment's address, up to /api. [default: COSMO_URL, or this machine's]",
        Recursive = true,
    };

    private readonly Option<string?> _key = new("--key")
    {
        Description = "Its master key. [default: COSMO_KEY, or this machine's]",
        Recursive = true,
    };

    private readonly Option<bool> _json = new("--json") { Description = "Answer as JSON.", Recursive = true };

    private readonly Option<string?> _confirm = new("--confirm") { Description = "DELETE answers the question for a script.", Recursive = true };

    private readonly Option<string?> _data = CommonOptions.Data();

    public OperatorCommands() => _data.Recursive = true;

    public IEnumerable<Command> Create()
    {
        Command[] commands =
        [
            .. new ThreadCommands(this).Create(), .. new ConversationCommands(this).Create(), new TimelineCommand(this).Create(), new DeadLetterCommands(this).Create(), new UsageCommand(this).Create(),
            new EvalCommand(this).Create(), new CheckCommand(this).Create(), new FeedbackCommand(this).Create(), new AssistantCommands(this).Create(), new KeysCommand(_data, _json).Create(),
        ];
        foreach (var command in commands)
        {
            command.Options.Add(_url);
            command.Options.Add(_key);
            command.Options.Add(_confirm);
            if (!command.Options.Contains(_json))
            {
                command.Options.Add(_json);
            }

            if (!command.Options.Contains(_data))
            {
                command.Options.Add(_data);
            }
        }

        return commands;
    }

    /// <summary>A verb that works on a deployment.</summary>
    /// <param name="example">How it is called; stands in its help.</param>
    public Command Verb(string name, string description, string example, IReadOnlyList<Argument> arguments, Func<ParseResult, TerminalSession, Task<int>> run)
    {
        var command = new Command(name, $"{description}\n\nExample:\n  {example}");
        foreach (var argument in arguments)
        {
            command.Arguments.Add(argument);
        }

        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var session = Open(parsed, cancellationToken);
            return await run(parsed, session);
        });
        return command;
    }

    private TerminalSession Open(ParseResult parsed, CancellationToken cancellationToken)
    {
        var given = parsed.GetValue(_url) ?? Environment.GetEnvironmentVariable("COSMO_URL");
        var url = Address(given ?? $"http://127.0.0.1:{LocalSettings.Load().HttpPort}/{HostJson.Load().RoutePrefix}");
        var key = parsed.GetValue(_key) ?? Environment.GetEnvironmentVariable("COSMO_KEY");

        // This machine's key is shown to nobody else.
        key ??= url.IsLoopback ? FunctionKeys.Open(CommonOptions.DataFolder(parsed.GetValue(_data))).MasterKey : null;
        return new TerminalSession(new Deployment(url, key), parsed.GetValue(_json), parsed.GetValue(_confirm), cancellationToken);
    }

    private static Uri Address(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps)
            ? url
            : throw new TerminalException(ExitCodes.CalledWrongly, $"'{text}' is no address; give one such as https://NAME.azurewebsites.net/api.");
}
