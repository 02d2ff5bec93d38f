using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Local.Host;
using Spectre.Console;

namespace Cosmo.Local.Terminal;

/// <summary>What a command works with: the deployment, and where it writes.</summary>
internal sealed class TerminalSession(Deployment deployment, bool isJson, string? confirmation, CancellationToken cancellationToken) : IDisposable
{
    private const string Word = "DELETE";
    private const int RedirectedWidth = 200;

    /// <summary>One object a line, text as it is.</summary>
    public static readonly JsonSerializerOptions Lines = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly JsonSerializerOptions Indented = new(Lines) { WriteIndented = true };

    public Deployment Deployment => deployment;

    public bool IsJson => isJson;

    public CancellationToken CancellationToken => cancellationToken;

    /// <summary>For tables.</summary>
    public IAnsiConsole Console { get; } = OpenConsole(System.Console.Out);

    public Task<JsonObject> GetAsync(string address) => deployment.CallAsync(HttpMethod.Get, address, null, cancellationToken);

    public Task<JsonObject> PostAsync(string address, JsonObject? body = null) => deployment.CallAsync(HttpMethod.Post, address, body, cancellationToken);

    public Task<JsonObject> PutAsync(string address, JsonObject body) => deployment.CallAsync(HttpMethod.Put, address, body, cancellationToken);

    public Task<JsonObject> DeleteAsync(string address) => deployment.CallAsync(HttpMethod.Delete, address, null, cancellationToken);

    /// <summary>Whether a channel has a thread, or what is left of one.</summary>
    public async Task<bool> HasThreadAsync(string channel)
    {
        try
        {
            await GetAsync($"threads/{RouteName.Write(channel)}");
            return true;
        }
        catch (TerminalException e) when (e.ExitCode == ExitCodes.NotFound)
        {
            return false;
        }
    }

    /// <summary>Shows an answer: as JSON if that is wanted, else as the command does it.</summary>
    public int Show(JsonObject answer, Action<JsonObject> show)
    {
        if (isJson)
        {
            System.Console.WriteLine(answer.ToJsonString(Indented));
        }
        else
        {
            show(answer);
        }

        return ExitCodes.Done;
    }

    /// <summary>Asks for the typed word, after telling what will be destroyed; <c>--confirm DELETE</c> answers for a script.</summary>
    /// <exception cref="TerminalException">It was not typed.</exception>
    public void Confirm(string what)
    {
        if (confirmation is null)
        {
            System.Console.Error.Write($"{what}\nType {Word} to go on: ");
        }

        if ((confirmation ?? System.Console.ReadLine()) != Word)
        {
            throw new TerminalException(ExitCodes.NotConfirmed, "Nothing was deleted.");
        }
    }

    public void Dispose() => deployment.Dispose();

    /// <summary>What is not a screen gets long lines rather than broken ones.</summary>
    public static IAnsiConsole OpenConsole(TextWriter output)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        if (System.Console.IsOutputRedirected || output != System.Console.Out)
        {
            console.Profile.Width = RedirectedWidth;
        }

        return console;
    }
}
