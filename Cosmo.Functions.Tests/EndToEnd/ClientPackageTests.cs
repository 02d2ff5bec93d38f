using System.Diagnostics;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Local.Terminal;
using Microsoft.AspNetCore.Http;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>The client package against the whole app: its own live tests run here, in Node.</summary>
public sealed class ClientPackageTests
{
    internal const string AddNote = """
        { "name": "add_note", "description": "Adds a note.",
          "parameters": { "type": "object", "properties": { "text": { "type": "string" } }, "required": ["text"], "additionalProperties": false },
          "http": { "method": "POST", "url": "%NOTES_URL%/notes", "body": { "text": "{text}" } },
          "allow_private": true, "approval": true }
        """;

    /// <summary>What is asked where a call waits for an approval, as often as it is asked.</summary>
    private static readonly string[] Notes =
    [
        "note this", "note this", "note for AG-UI", "note for AG-UI", "note for useChat", "note for useChat", "note on the page", "note on the page", "note in the documentation", "note in the documentation",
    ];

    private static readonly string Package = Path.Combine(CosmoScript.Root, "Cosmo.Client");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_core_AG_UI_the_AI_SDK_useChat_in_a_browser_and_the_documentation_work_with_the_whole_app()
    {
        var vitest = Path.Combine(Package, "node_modules", "vitest", "vitest.mjs");
        File.Exists(vitest).ShouldBeTrue("The npm packages are missing: run npm ci in Cosmo.Client.");
        var tools = Directory.CreateTempSubdirectory("cosmo-tools-");
        await File.WriteAllTextAsync(Path.Combine(tools.FullName, "add_note.json"), AddNote, Cancellation);
        await using var stack = await CosmoStack.CreateAsync(CosmoStack.Patient, inOwnProcess: true);
        await using var control = await HttpStub.StartAsync(context => ControlAsync(context, stack));
        stack.Set("TOOLS_PATH", tools.FullName);
        stack.Set("NOTES_URL", control.Url.ToString().TrimEnd('/'));
        await stack.StartFunctionsAsync();
        await stack.FaultAsync("""
            [{ "userText": "long story to stop", "longAnswer": 2000, "pace": 25 },
             { "userText": "long story", "longAnswer": 100, "pace": 25 },
             { "userText": "Makati", "pace": 20 }]
            """);
        await stack.ScriptAsync(JsonSerializer.Serialize(Notes.SelectMany(AnswersTo)));

        var (exitCode, text) = await RunAsync(vitest, stack, control.Url);

        exitCode.ShouldBe(0, text[Math.Max(0, text.IndexOf("Failed", StringComparison.Ordinal))..]);
        text.ShouldNotContain("skipped");
        tools.Delete(recursive: true);
    }

    private static IEnumerable<object> AnswersTo(string note) =>
    [
        new { userText = note, calls = new[] { new { name = "add_note", arguments = new { text = "Buy milk" } } } },
        new { userText = note, text = "So be it." },
    ];

    /// <summary>What a host application's back end does, what kills and starts the functions, and what takes the notes.</summary>
    private static async Task ControlAsync(HttpContext context, CosmoStack stack)
    {
        switch (context.Request.Path.Value)
        {
            case "/kill":
                await stack.KillAsync();
                break;
            case "/start":
                await stack.StartFunctionsAsync();
                break;
            case "/tokens":
                var route = $"channels/{RouteName.Write(context.Request.Query["channel"]!)}/tokens";
                using (var answer = await stack.Http.PostAsJsonAsync(route, new { user = new { id = "ana" } }, context.RequestAborted))
                {
                    await context.Response.WriteAsync(await answer.Content.ReadAsStringAsync(context.RequestAborted));
                }

                break;
            default:
                await context.Response.WriteAsync(JsonSerializer.Serialize(new { id = 1 }));
                break;
        }
    }

    private static async Task<(int ExitCode, string Text)> RunAsync(string vitest, CosmoStack stack, Uri control)
    {
        using var node = new Process
        {
            StartInfo = new ProcessStartInfo("node", [vitest, "run", "--no-color"]) { WorkingDirectory = Package, RedirectStandardOutput = true, RedirectStandardError = true },
        };
        node.StartInfo.Environment["COSMO_API"] = stack.Http.BaseAddress!.ToString().TrimEnd('/');
        node.StartInfo.Environment["COSMO_KEY"] = stack.Keys.DefaultKey;
        node.StartInfo.Environment["COSMO_CONTROL"] = control.ToString().TrimEnd('/');
        var text = new StringBuilder();
        node.OutputDataReceived += (_, line) => Keep(line.Data);
        node.ErrorDataReceived += (_, line) => Keep(line.Data);
        node.Start();
        node.BeginOutputReadLine();
        node.BeginErrorReadLine();
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            limit.CancelAfter(TimeSpan.FromMinutes(6));
            await node.WaitForExitAsync(limit.Token);
            return (node.ExitCode, text.ToString());
        }
        finally
        {
            if (!node.HasExited)
            {
                node.Kill(entireProcessTree: true);
            }
        }

        void Keep(string? line)
        {
            lock (text)
            {
                text.AppendLine(line);
            }
        }
    }
}
