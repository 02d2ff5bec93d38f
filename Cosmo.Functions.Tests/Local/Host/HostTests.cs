using System.Net;
using System.Text;
using Cosmo.Local.Host.WebJobs;
using Cosmo.Local.Host.Worker;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Cosmo.Functions.Tests.Local.Host;

/// <summary>What settings and host.json change, and what the worker is told.</summary>
public sealed class HostTests
{
    [Fact]
    public void The_host_has_the_Durable_extension_that_the_worker_extension_asks_for() =>
        WorkerApp.Read(HostedApp.AppFolder).DurableExtension.ShouldBe(WebJobsHost.DurableExtension);

    [Fact]
    public async Task The_worker_has_the_settings_in_its_environment()
    {
        await using var app = await StartAsync(("Colours:Sky", "blue"));

        (await app.Client.GetStringAsync("api/environment/Colours__Sky")).ShouldBe("blue");
        (await app.Client.GetStringAsync("api/environment/WEBSITE_HOSTNAME")).ShouldBe(app.Host.Url.Authority);
    }

    [Fact]
    public async Task A_function_that_a_setting_disables_is_not_there()
    {
        await using var app = await StartAsync(("AzureWebJobs.GetTrace.Disabled", "true"), ("AzureWebJobs.Greet.Disabled", "1"));

        using var response = await app.Client.GetAsync("api/trace");
        var ended = await app.EndAsync(await app.BeginAsync("GreetCities"));

        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        ended.Status.ShouldBe("Failed");
        app.Host.Lines.ShouldNotContain(line => line.StartsWith("GetTrace:") || line.StartsWith("Greet:"));
    }

    /// <summary>host.json says nothing of it, so 30 minutes would be the limit: the setting wins.</summary>
    [Fact]
    public async Task A_function_that_runs_out_of_time_fails_and_takes_its_worker_with_it()
    {
        await using var app = await StartAsync(("AzureFunctionsJobHost:functionTimeout", "00:00:05"));
        var worker = app.Host.WorkerProcessId;
        var path = app.NewPath();

        var ended = await app.EndAsync(await app.BeginAsync("CallActivity", new { Activity = "Hang", Input = path, Tries = 1 }));

        File.Exists(path).ShouldBeTrue();
        ended.Output!.ToString().ShouldContain("FunctionTimeoutException");
        (await app.RunAsync("CountDown", 0))!.ToString().ShouldBe("Hello Zero!");
        app.Host.WorkerProcessId.ShouldNotBe(worker);
    }

    [Fact]
    public async Task A_trace_goes_on_in_the_worker()
    {
        await using var app = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "api/trace");
        request.Headers.Add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");

        using var response = await app.Client.SendAsync(request);

        (await response.Content.ReadAsStringAsync()).ShouldStartWith("00-0af7651916cd43dd8448eb211c80319c-");
    }

    [Fact]
    public async Task Spans_of_invocations_are_exported()
    {
        var received = new StringBuilder();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var collector = builder.Build();
        collector.Urls.Add("http://127.0.0.1:0");
        collector.MapPost("/v1/traces", async (HttpRequest request) =>
        {
            using var reader = new StreamReader(request.Body, Encoding.Latin1);
            received.Append(await reader.ReadToEndAsync());
        });
        await collector.StartAsync();
        var app = await StartAsync(("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Urls.Single()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"));

        await app.RunAsync("GreetCities");
        await app.DisposeAsync();

        received.ToString().ShouldContain("cosmo");
        received.ToString().ShouldContain("orchestration:GreetCities");
        received.ToString().ShouldContain("activity:Greet");
    }

    private static async Task<HostedApp> StartAsync(params (string Name, string Value)[] settings)
    {
        var app = new HostedApp(TimeProvider.System, settings);
        await app.InitializeAsync();
        return app;
    }
}
