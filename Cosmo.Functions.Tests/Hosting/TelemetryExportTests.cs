using System.Reflection;
using Azure.Identity;
using Azure.Monitor.OpenTelemetry.Exporter;
using Cosmo.Functions.Hosting.Observability;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OpenTelemetry.Trace;

namespace Cosmo.Functions.Tests.Hosting;

/// <summary>What the settings make of the exporters.</summary>
public sealed class TelemetryExportTests
{
    private const string Destination = "InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=http://127.0.0.1:1";
    private const string Identity = "5a3ff3d6-6f5b-4ee9-9a1c-6a6f2f0a1c11";

    [Theory]
    [InlineData($"Authorization=AAD;ClientId={Identity}", Identity)]
    [InlineData($" clientid = {Identity} ;; authorization=aad; Later=1;odd", Identity)]
    [InlineData("Authorization=AAD", null)]
    public void The_setting_names_an_identity_or_the_apps_own(string setting, string? clientId) => ApplicationInsightsIdentity.ClientIdOf(setting).ShouldBe(clientId);

    [Theory]
    [InlineData("Authorization=Key")]
    [InlineData($"ClientId={Identity}")]
    [InlineData("Authorization=AAD;ClientId=cosmo")]
    [InlineData("AAD")]
    public void A_setting_that_is_wrong_stops_the_start_and_is_named(string setting) =>
        Should.Throw<InvalidOperationException>(() => OptionsWith(setting)).Message.ShouldStartWith("APPLICATIONINSIGHTS_AUTHENTICATION_STRING must be");

    [Theory]
    [InlineData("Authorization=AAD", true)]
    [InlineData($"Authorization=AAD;ClientId={Identity}", true)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void The_exporter_signs_in_where_the_setting_says_so_and_nowhere_else(string? setting, bool signsIn) =>
        (OptionsWith(setting).Credential is ManagedIdentityCredential).ShouldBe(signsIn);

    /// <summary>The exporter for Application Insights puts a sampler of its own in the place of others, which keeps five traces a second.</summary>
    [Theory]
    [InlineData("APPLICATIONINSIGHTS_CONNECTION_STRING", Destination)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")]
    public void Wherever_traces_go_the_sampler_is_the_apps(string setting, string value)
    {
        using var services = ServicesWith((setting, value));

        var traces = services.GetRequiredService<TracerProvider>();

        traces.GetType().GetProperty("Sampler", BindingFlags.Instance | BindingFlags.NonPublic)!.GetValue(traces).ShouldBeOfType<RecordsAll>();
    }

    [Fact]
    public void What_the_log_says_does_not_depend_on_the_sampling() => OptionsWith(null).EnableTraceBasedLogsSampler.ShouldBeFalse();

    [Fact]
    public void Where_no_destination_is_set_nobody_listens()
    {
        using var services = ServicesWith();

        services.GetService<TracerProvider>().ShouldBeNull();
    }

    private static AzureMonitorExporterOptions OptionsWith(string? authentication)
    {
        using var services = ServicesWith(("APPLICATIONINSIGHTS_CONNECTION_STRING", Destination), ("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", authentication));
        return services.GetRequiredService<IOptions<AzureMonitorExporterOptions>>().Value;
    }

    private static ServiceProvider ServicesWith(params (string Name, string? Value)[] settings)
    {
        var builder = FunctionsApplication.CreateBuilder([]);
        builder.Configuration.AddInMemoryCollection(settings.ToDictionary(setting => setting.Name, setting => setting.Value));
        builder.ExportTelemetry();
        return builder.Services.BuildServiceProvider();
    }
}
