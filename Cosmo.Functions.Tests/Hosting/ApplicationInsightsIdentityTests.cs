using Azure.Identity;
using Azure.Monitor.OpenTelemetry.Exporter;
using Cosmo.Functions.Hosting.Observability;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Hosting;

public sealed class ApplicationInsightsIdentityTests
{
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

    private static AzureMonitorExporterOptions OptionsWith(string? setting)
    {
        var builder = FunctionsApplication.CreateBuilder([]);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["APPLICATIONINSIGHTS_CONNECTION_STRING"] = $"InstrumentationKey={Guid.Empty}",
            ["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"] = setting,
        });
        builder.ExportTelemetry();
        using var services = builder.Services.BuildServiceProvider();
        return services.GetRequiredService<IOptions<AzureMonitorExporterOptions>>().Value;
    }
}
