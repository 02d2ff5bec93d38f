using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests.Infra;

/// <summary>The Bicep compiler, one process for many questions: it speaks JSON-RPC, each message behind a header with its length.</summary>
internal sealed class BicepCompiler : IAsyncDisposable
{
    private static readonly string Program = typeof(BicepCompiler).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "Bicep").Value!;

    private readonly Process _process = Process.Start(new ProcessStartInfo(Program, ["jsonrpc", "--stdio"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
    private int _calls;

    /// <summary>Compiles a <c>.bicep</c> file with all modules that it uses: what it has to say of them, warnings too, and the ARM template, null where there are errors.</summary>
    public async Task<(IReadOnlyList<string> Diagnostics, JsonNode? Template)> CompileAsync(string file)
    {
        var result = await CallAsync("bicep/compile", new { path = file });
        return (Diagnostics(result), result["contents"] is { } contents ? JsonNode.Parse(contents.GetValue<string>()) : null);
    }

    /// <summary>Compiles a <c>.bicepparam</c> file, in which some parameters have other values: what the compiler has to say of it.</summary>
    public async Task<IReadOnlyList<string>> CompileParametersAsync(string file, object overrides) =>
        Diagnostics(await CallAsync("bicep/compileParams", new { path = file, parameterOverrides = overrides }));

    /// <summary>What a deployment with a <c>.bicepparam</c> file would make: its resources with all expressions evaluated that do not read a resource.</summary>
    /// <exception cref="InvalidOperationException">The deployment would fail, or cannot be foreseen; the message is the compiler's.</exception>
    public async Task<JsonNode> ForeseeAsync(string parameterFile, string? resourceGroup)
    {
        var metadata = new
        {
            tenantId = "00000000-0000-0000-0000-000000000002",
            subscriptionId = "00000000-0000-0000-0000-000000000001",
            resourceGroup,
            location = "westeurope",
            deploymentName = "main",
        };
        var result = await CallAsync("bicep/getSnapshot", new { path = parameterFile, metadata, externalInputs = Array.Empty<object>() });
        var snapshot = JsonNode.Parse(result["snapshot"]!.GetValue<string>())!;
        return snapshot["diagnostics"]!.AsArray() is { Count: > 0 } gaps ? throw new InvalidOperationException(gaps.ToJsonString()) : snapshot;
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private static List<string> Diagnostics(JsonNode result) =>
        [.. result["diagnostics"]!.AsArray().Select(found => $"{found!["source"]}: {found["level"]} {found["code"]}: {found["message"]}")];

    private async Task<JsonNode> CallAsync(string method, object parameters)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var body = JsonSerializer.SerializeToUtf8Bytes(new { jsonrpc = "2.0", id = ++_calls, method, @params = new[] { parameters } });
        var input = _process.StandardInput.BaseStream;
        await input.WriteAsync(Encoding.ASCII.GetBytes($"Content-Length: {body.Length}\r\n\r\n"), limit.Token);
        await input.WriteAsync(body, limit.Token);
        await input.FlushAsync(limit.Token);

        var output = _process.StandardOutput.BaseStream;
        var length = 0;
        while (await ReadLineAsync(output, limit.Token) is { Length: > 0 } header)
        {
            if (header.Split(':') is ["Content-Length", var value])
            {
                length = int.Parse(value, CultureInfo.InvariantCulture);
            }
        }

        var answer = new byte[length];
        await output.ReadExactlyAsync(answer, limit.Token);
        var message = JsonNode.Parse(answer)!;
        return message["result"] ?? throw new InvalidOperationException($"{method}: {message["error"]?["message"]}");
    }

    private static async Task<string> ReadLineAsync(Stream stream, CancellationToken cancellationToken)
    {
        var line = new StringBuilder();
        var next = new byte[1];
        while (await stream.ReadAsync(next, cancellationToken) > 0 && next[0] != '\n')
        {
            if (next[0] != '\r')
            {
                line.Append((char)next[0]);
            }
        }

        return line.ToString();
    }
}
