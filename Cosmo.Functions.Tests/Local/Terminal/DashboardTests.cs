using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Cosmo.Functions.Tests.EndToEnd;
using Cosmo.Local.Terminal;
using Cosmo.Local.Terminal.Processes;
using Cosmo.Local.Terminal.Running;

namespace Cosmo.Functions.Tests.Local.Terminal;

/// <summary>
/// The dashboard of <c>./cosmo run --dashboard</c>. Its package, of 38 MB, is fetched when it is first wanted, so a program that only writes down how it was started
/// has its place, but for the one test with the real one.
/// </summary>
public sealed class DashboardTests : IDisposable
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(3));
    private readonly string _folder = Directory.CreateTempSubdirectory("cosmo-dashboard-").FullName;
    private readonly int _port = FreePorts.Next();
    private readonly int _collectorPort = FreePorts.Next();

    public void Dispose()
    {
        _limit.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task It_is_started_where_its_page_is_announced_and_listens_where_the_app_exports_to()
    {
        var program = Dashboard.ProgramIn(_folder);
        var environmentFile = Path.Combine(Path.GetDirectoryName(program)!, "environment");
        Directory.CreateDirectory(Path.GetDirectoryName(program)!);
        await File.WriteAllTextAsync(program, "#!/bin/sh\nenv >begun && mv begun environment\nexec sleep 600\n", _limit.Token);
        var dashboard = new Dashboard(_port, _collectorPort);
        using var processes = await RunProcesses.TakeOverAsync(_folder);
        try
        {
            var starting = dashboard.StartAsync(processes, _folder, _limit.Token);
            while (!File.Exists(environmentFile) && !starting.IsCompleted)
            {
                await Task.Delay(20, _limit.Token);
            }

            // Nobody takes anything yet.
            starting.IsCompleted.ShouldBeFalse();
            using var collector = new TcpListener(IPAddress.Loopback, _collectorPort);
            collector.Start();
            await starting;
        }
        finally
        {
            processes.KillAll();
        }

        var environment = (await File.ReadAllLinesAsync(environmentFile, _limit.Token)).Select(line => line.Split('=', 2)).Where(pair => pair.Length == 2).ToLookup(pair => pair[0], pair => pair[1]);
        dashboard.Url.ShouldBe($"http://127.0.0.1:{_port}");
        environment["ASPNETCORE_URLS"].ShouldBe([dashboard.Url]);
        environment["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"].ShouldBe([$"http://127.0.0.1:{_collectorPort}"]);
        dashboard.Settings["OTEL_EXPORTER_OTLP_ENDPOINT"].ShouldBe($"http://127.0.0.1:{_collectorPort}");
        dashboard.Settings["OTEL_EXPORTER_OTLP_PROTOCOL"].ShouldBe("http/protobuf");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_port_that_is_taken_is_named_and_nothing_is_fetched(bool isThePages)
    {
        var taken = isThePages ? _port : _collectorPort;
        using var other = new TcpListener(IPAddress.Loopback, taken);
        other.Start();
        using var processes = await RunProcesses.TakeOverAsync(_folder);

        var refused = await Should.ThrowAsync<TerminalException>(new Dashboard(_port, _collectorPort).StartAsync(processes, _folder, _limit.Token));

        refused.Message.ShouldStartWith($"Port {taken} is taken");
        Directory.Exists(Path.Combine(_folder, Dashboard.Name)).ShouldBeFalse();
    }

    /// <summary>Runs when it is asked for, since it fetches the package. Host and worker export as in a run.</summary>
    [Fact(Explicit = true)]
    public async Task The_real_one_shows_its_page_and_has_the_traces_of_host_and_worker()
    {
        var dashboard = new Dashboard(_port, _collectorPort);
        using var processes = await RunProcesses.TakeOverAsync(_folder);
        try
        {
            await dashboard.StartAsync(processes, _folder, _limit.Token);
            using var http = new HttpClient { BaseAddress = new Uri(dashboard.Url) };
            (await http.GetStringAsync("/", _limit.Token)).ShouldContain("<html");

            await using var stack = await CosmoStack.StartAsync(dashboard.Settings.ToDictionary(setting => setting.Key, setting => setting.Value!), inOwnProcess: true);
            await using var client = await stack.OpenAsync("channel");
            await stack.Queue.SendAsync("channel", "msg-1", "Hello");
            await client.FinalAsync("msg-1");

            List<string> names = [];
            while (!names.Contains("function RunAssistant") || !names.Contains("orchestration:AnswerMessage@(1.0)"))
            {
                await Task.Delay(200, _limit.Token);
                var spans = (await http.GetFromJsonAsync<JsonNode>("api/telemetry/spans?limit=1000", _limit.Token))!;
                names =
                [
                    .. spans["data"]!["resourceSpans"]!.AsArray().SelectMany(resource => resource!["scopeSpans"]!.AsArray()).SelectMany(scope => scope!["spans"]!.AsArray())
                        .Select(span => span!["name"]!.GetValue<string>()),
                ];
            }
        }
        finally
        {
            processes.KillAll();
        }
    }
}
