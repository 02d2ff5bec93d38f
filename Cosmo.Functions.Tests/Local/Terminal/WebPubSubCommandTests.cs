using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Tests.Local.WebPubSub;

namespace Cosmo.Functions.Tests.Local.Terminal;

/// <summary>The verb <c>webpubsub</c> as its user starts it.</summary>
public sealed class WebPubSubCommandTests : IDisposable
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(60));

    public void Dispose() => _limit.Dispose();

    [Fact]
    public async Task The_emulator_takes_the_connection_string_that_it_prints_and_calls_the_handler()
    {
        await using var webhook = await WebhookReceiver.StartAsync();
        using var program = Start("--port", "0", "--handler", $"chat={webhook.Url}", "--system-events", "connect");

        var connectionString = (await ReadUntilAsync(program, "Connection string: "))["Connection string: ".Length..];
        (await ReadUntilAsync(program, "Events of hub chat go to ")).ShouldEndWith(webhook.Url);
        var service = new WebPubSubServiceClient(connectionString, "chat");
        await using var client = await NodeScript.StartAsync("client.mjs", (await service.GetClientAccessUriAsync(groups: ["g"])).AbsoluteUri);
        await client.RunAsync("start");
        await service.SendToGroupAsync("g", "hello");

        (await client.NextAsync("group-message")).GetProperty("data").GetString().ShouldBe("hello");
        (await webhook.NextAsync()).Method.ShouldBe("OPTIONS");
        (await webhook.NextAsync()).Headers["ce-type"].ShouldBe("azure.webpubsub.sys.connect");
        Processes.Signal("TERM", program.Id);
        await program.WaitForExitAsync(_limit.Token);
        program.ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_told_in_one_sentence()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;

        (await FailAsync(1, "--port", port.ToString(CultureInfo.InvariantCulture))).ShouldBe($"Port {port} of 127.0.0.1 is taken; stop what listens there or take another with --port.");
    }

    [Theory]
    [InlineData(64, "--handler", "http://127.0.0.1:8080/", "--handler must be HUB=URL with an http or https URL, not 'http://127.0.0.1:8080/'.")]
    [InlineData(64, "--handler", "chat=file:///tmp", "--handler must be HUB=URL with an http or https URL, not 'chat=file:///tmp'.")]
    [InlineData(64, "--system-events", "connect,gone", "'gone' is not one of the system events connect, connected, disconnected, joined, left.")]
    [InlineData(1, "--key", "short", "AccessKey has less than 16 characters.")]
    [InlineData(64, "--port", "70000", "--port must be a number from 0 to 65535.")]
    public async Task What_is_wrong_with_the_call_is_told(int exitCode, string option, string value, string told) =>
        (await FailAsync(exitCode, option, value)).ShouldStartWith(told);

    private async Task<string> FailAsync(int exitCode, params string[] arguments)
    {
        using var program = Start(arguments);
        var error = await program.StandardError.ReadToEndAsync(_limit.Token);
        await program.WaitForExitAsync(_limit.Token);
        program.ExitCode.ShouldBe(exitCode);
        return error.TrimEnd();
    }

    private static Process Start(params string[] arguments) => CosmoProgram.Start(folder: null, ["webpubsub", .. arguments]);

    private Task<string> ReadUntilAsync(Process program, string text) => CosmoProgram.ReadUntilAsync(program, text, _limit.Token);
}
