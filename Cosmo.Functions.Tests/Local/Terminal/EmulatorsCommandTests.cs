using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Cosmo.Functions.Tests.Local.Terminal;

/// <summary>The verb <c>emulators</c> as its user starts it.</summary>
public sealed class EmulatorsCommandTests : IDisposable
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(60));
    private readonly string _folder = Directory.CreateTempSubdirectory("cosmo-emulators-").FullName;

    public void Dispose()
    {
        _limit.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task The_emulators_listen_where_the_settings_say_and_serve_the_page()
    {
        using var program = Start("""
            {
              "Values": {
                "WEB_PUBSUB_CONNECTION_STRING": "Endpoint=http://127.0.0.1:0;AccessKey=0123456789abcdef0123456789abcdef;Version=1.0;",
                "OPENAI_BASE_URL": "https://api.openai.com/v1",
                "OPENWEATHER_BASE_URL": "http://127.0.0.1:0"
              },
              "Host": { "LocalHttpPort": 7171, "CORS": "http://127.0.0.1:0,http://other.local" }
            }
            """);

        await ReadUntilAsync(program, "Web PubSub emulator listening at http://127.0.0.1:");
        await ReadUntilAsync(program, "OpenAI emulator is not started: OPENAI_BASE_URL points elsewhere.");
        await ReadUntilAsync(program, "OpenWeather emulator listening at http://127.0.0.1:");
        var line = await ReadUntilAsync(program, "Chat page listening at ");
        using var client = new HttpClient { BaseAddress = new Uri(line.Split(' ')[^1]) };
        (await client.GetStringAsync("config.json", _limit.Token)).ShouldStartWith("""{"functionsUrl":"http://127.0.0.1:7171/api","negotiateUrl":"negotiate",""");
        using var page = await client.GetAsync("", _limit.Token);
        (await page.Content.ReadAsStringAsync(_limit.Token)).ShouldContain("The chat page has not been built yet");
        page.Headers.GetValues("Content-Security-Policy").ShouldHaveSingleItem().ShouldContain("connect-src 'self' http://127.0.0.1:7171 ws://127.0.0.1:");

        Processes.Signal("TERM", program.Id);
        await program.WaitForExitAsync(_limit.Token);
        program.ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task Settings_that_are_no_json_are_told_in_one_sentence()
    {
        using var program = Start("{ \"Values\": ");

        var error = await program.StandardError.ReadToEndAsync(_limit.Token);
        await program.WaitForExitAsync(_limit.Token);

        program.ExitCode.ShouldBe(1);
        error.ShouldStartWith("local.settings.json is not JSON: ");
        error.TrimEnd().ShouldNotContain('\n');
    }

    [Fact]
    public async Task A_port_that_is_taken_is_told_in_one_sentence()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        using var program = Start($$"""{ "Values": { "WEB_PUBSUB_CONNECTION_STRING": "Endpoint=http://127.0.0.1:{{port}};AccessKey=0123456789abcdef0123456789abcdef;Version=1.0;" } }""");

        var output = program.StandardOutput.ReadToEndAsync(_limit.Token);
        var error = await program.StandardError.ReadToEndAsync(_limit.Token);
        await program.WaitForExitAsync(_limit.Token);

        program.ExitCode.ShouldBe(1);
        error.TrimEnd().ShouldBe($"Port {port} of 127.0.0.1 is taken; stop what listens there, move all with --port, or change WEB_PUBSUB_CONNECTION_STRING.");
        (await output).ShouldBeEmpty();
    }

    private Process Start(string settings)
    {
        File.WriteAllText(Path.Combine(_folder, "local.settings.json"), settings);
        return CosmoProgram.Start(_folder, "emulators");
    }

    private Task<string> ReadUntilAsync(Process program, string text) => CosmoProgram.ReadUntilAsync(program, text, _limit.Token);
}
