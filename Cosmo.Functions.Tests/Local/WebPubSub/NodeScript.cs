using System.Diagnostics;
using System.Text.Json;
using Cosmo.Functions.Tests.Local.Terminal;

namespace Cosmo.Functions.Tests.Local.WebPubSub;

/// <summary>A script of the Node folder that runs: commands go in, events come out, one JSON line each.</summary>
internal sealed class NodeScript : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly string Folder = Path.Combine(CosmoScript.Root, "Cosmo.Functions.Tests", "Node");

    private readonly CancellationTokenSource _patience = new(Patience);
    private readonly List<JsonElement> _unread = [];
    private readonly Process _process;
    private readonly Task<string> _errors;

    private NodeScript(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    public static async Task<NodeScript> StartAsync(string name, params string[] arguments)
    {
        Directory.Exists(Path.Combine(Folder, "node_modules")).ShouldBeTrue("The npm packages are missing: run npm ci in Cosmo.Functions.Tests/Node.");
        var process = Process.Start(new ProcessStartInfo("node", [Path.Combine(Folder, name), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var script = new NodeScript(process);
        await script.NextAsync("ready");
        return script;
    }

    /// <summary>The next event of this name; events of other names stay unread.</summary>
    public async Task<JsonElement> NextAsync(string name)
    {
        for (var index = 0; ; index++)
        {
            while (index >= _unread.Count)
            {
                _unread.Add(await ReadAsync(name));
            }

            var found = _unread[index];
            if (found.GetProperty("event").ValueEquals(name))
            {
                _unread.RemoveAt(index);
                return found;
            }
        }
    }

    /// <summary>Runs a command and gives back its value. What the script throws is thrown here.</summary>
    public async Task<JsonElement> RunAsync(string command, object? arguments = null)
    {
        var result = await TryAsync(command, arguments);
        result.TryGetProperty("error", out var error).ShouldBeFalse($"{command}: {error}");
        return result.TryGetProperty("value", out var value) ? value : default;
    }

    /// <summary>Runs a command that should fail and gives back the error.</summary>
    public async Task<JsonElement> FailAsync(string command, object? arguments = null)
    {
        var result = await TryAsync(command, arguments);
        result.TryGetProperty("error", out var error).ShouldBeTrue($"{command} did not fail.");
        return error;
    }

    /// <summary>How many events of a name have come that nobody asked for.</summary>
    public int Unread(string name) => _unread.Count(found => found.GetProperty("event").ValueEquals(name));

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _patience.Dispose();
    }

    private async Task<JsonElement> TryAsync(string command, object? arguments)
    {
        var line = JsonSerializer.SerializeToNode(arguments ?? new { })!.AsObject();
        line["command"] = command;
        await _process.StandardInput.WriteLineAsync(line.ToJsonString());
        await _process.StandardInput.FlushAsync();
        return await NextAsync("result");
    }

    private async Task<JsonElement> ReadAsync(string awaited)
    {
        try
        {
            var line = await _process.StandardOutput.ReadLineAsync(_patience.Token)
                ?? throw new InvalidOperationException($"The script ended before its event {awaited}. {await _errors}");
            return JsonDocument.Parse(line).RootElement;
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"No event {awaited} came in {Patience.TotalSeconds} s. Unread: {string.Join(' ', _unread)}");
        }
    }
}
