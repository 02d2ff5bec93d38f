using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Cosmo.Functions.Tests.Local.Runtime;

/// <summary>The program as its user starts it. No broker and no Redis are to be had here.</summary>
public sealed class ProgramTests : IDisposable
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(40));
    private readonly string _folder = Directory.CreateTempSubdirectory("cosmo-").FullName;

    private CancellationToken Limit => _limit.Token;

    public void Dispose()
    {
        _limit.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("-TERM")]
    [InlineData("-INT")]
    public async Task The_functions_run_until_a_signal(string signal)
    {
        using var program = Start("functions", "--port", "0");
        await ReadUntilAsync(program, "Functions host listening at http://127.0.0.1:");

        var watch = Stopwatch.StartNew();
        using var kill = Process.Start("kill", [signal, program.Id.ToString(CultureInfo.InvariantCulture)]);
        await program.WaitForExitAsync(Limit);

        program.ExitCode.ShouldBe(0);
        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(11));
        File.Exists(Path.Combine(_folder, ".cosmo", "keys.json")).ShouldBeTrue();
    }

    [Fact]
    public async Task A_taken_port_is_told_in_one_sentence()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);

        var (exitCode, error) = await RunAsync("functions", "--port", port);

        exitCode.ShouldBe(1);
        error.ShouldBe([$"Port {port} of 127.0.0.1 is taken; stop what listens there or take another with --port."]);
    }

    [Fact]
    public async Task A_bad_setting_is_told_in_one_sentence()
    {
        await WriteSettingsAsync("""{ "Values": {}, "Host": { "LocalHttpPort": "many" } }""");

        var (exitCode, error) = await RunAsync("functions");

        exitCode.ShouldBe(1);
        error.ShouldBe(["Host:LocalHttpPort of local.settings.json is 'many'; set it to a port number."]);
    }

    [Fact]
    public async Task Settings_that_are_no_json_are_told_in_one_sentence()
    {
        await WriteSettingsAsync("{ \"Values\": ");

        var (exitCode, error) = await RunAsync("functions");

        exitCode.ShouldBe(1);
        error.ShouldHaveSingleItem().ShouldStartWith("local.settings.json is not JSON: ");
    }

    [Theory]
    [InlineData("""{ "Values": { "RABBITMQ_URL": "amqp://127.0.0.1:1" } }""", "QUEUE_NAME is missing, and function 'ReceiveMessage' needs it; set it in local.settings.json or in the environment.")]
    [InlineData("""{ "Values": { "QUEUE_NAME": "q", "RABBITMQ_URL": "amqp://127.0.0.1:1", "THREAD_PRUNING_SCHEDULE": "0 0 0 1 1 *", "THREAD_INDEXING_SCHEDULE": "0 0 0 1 1 *", "HISTORY_PURGING_SCHEDULE": "0 0 0 1 1 *", "REDIS_URL": "http://127.0.0.1", "OPENAI_API_KEY": "local" } }""", "REDIS_URL) must begin with redis://")]
    public async Task A_setting_of_the_app_that_is_missing_or_wrong_is_told_without_a_stack_trace(string settings, string sentence)
    {
        await WriteSettingsAsync(settings);

        using var program = Start(["functions", "--port", "0"], withAddresses: false);
        var (output, error) = (await program.StandardOutput.ReadToEndAsync(Limit), await program.StandardError.ReadToEndAsync(Limit));
        await program.WaitForExitAsync(Limit);

        program.ExitCode.ShouldBe(1);
        error.ShouldContain(sentence);
        (output + error).ShouldNotContain("   at ");
    }

    [Fact]
    public async Task A_second_host_on_the_same_data_is_refused_in_one_sentence()
    {
        using var first = Start("functions", "--port", "0");
        await ReadUntilAsync(first, "Functions host listening at");

        var (exitCode, error) = await RunAsync("functions", "--port", "0");
        first.Kill();

        exitCode.ShouldBe(1);
        error.ShouldHaveSingleItem().ShouldContain("Another durable engine works on");
    }

    [Fact]
    public async Task The_emulators_listen_where_the_settings_say_and_serve_the_page()
    {
        await WriteSettingsAsync("""
            {
              "Values": {
                "WEB_PUBSUB_CONNECTION_STRING": "Endpoint=http://127.0.0.1:0;AccessKey=0123456789abcdef0123456789abcdef;Version=1.0;",
                "OPENAI_BASE_URL": "https://api.openai.com/v1",
                "OPENWEATHER_BASE_URL": "http://127.0.0.1:0"
              },
              "Host": { "LocalHttpPort": 7171, "CORS": "http://127.0.0.1:0,http://other.local" }
            }
            """);
        using var program = Start("emulators");

        await ReadUntilAsync(program, "Web PubSub emulator listening at http://127.0.0.1:");
        await ReadUntilAsync(program, "OpenAI emulator is not started: OPENAI_BASE_URL points elsewhere.");
        await ReadUntilAsync(program, "OpenWeather emulator listening at http://127.0.0.1:");
        var line = await ReadUntilAsync(program, "Chat page listening at ");
        using var client = new HttpClient { BaseAddress = new Uri(line.Split(' ')[^1]) };
        (await client.GetStringAsync("config.json", Limit)).ShouldBe("""{"functionsUrl":"http://127.0.0.1:7171/api"}""");
        (await client.GetStringAsync("", Limit)).ShouldContain("<html");

        using var kill = Process.Start("kill", ["-TERM", program.Id.ToString(CultureInfo.InvariantCulture)]);
        await program.WaitForExitAsync(Limit);
        program.ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task An_unknown_verb_is_refused() => (await RunAsync("functionz")).ExitCode.ShouldBe(1);

    private Task WriteSettingsAsync(string text) => File.WriteAllTextAsync(Path.Combine(_folder, "local.settings.json"), text, Limit);

    private async Task<(int ExitCode, string[] Error)> RunAsync(params string[] arguments)
    {
        using var program = Start(arguments);
        var error = await program.StandardError.ReadToEndAsync(Limit);
        await program.WaitForExitAsync(Limit);
        return (program.ExitCode, error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    private Process Start(params string[] arguments) => Start(arguments, withAddresses: true);

    private Process Start(string[] arguments, bool withAddresses)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Cosmo.Legacy.dll"), .. arguments])
        {
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("RABBITMQ_URL");
        start.Environment.Remove("REDIS_URL");
        if (withAddresses)
        {
            start.Environment["RABBITMQ_URL"] = "amqp://127.0.0.1:1";
            start.Environment["REDIS_URL"] = "redis://127.0.0.1:1/0";
        }

        return Process.Start(start)!;
    }

    private async Task<string> ReadUntilAsync(Process program, string text)
    {
        while (await program.StandardOutput.ReadLineAsync(Limit) is { } line)
        {
            if (line.Contains(text, StringComparison.Ordinal))
            {
                return line;
            }
        }

        throw new InvalidOperationException($"The program ended: {await program.StandardError.ReadToEndAsync(Limit)}");
    }
}
