using System.Data.Common;
using Azure.Monitor.OpenTelemetry.Exporter;
using Cosmo.Functions;
using Cosmo.Functions.Hosting;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Azure.Functions.Worker.OpenTelemetry;
using Microsoft.Data.SqlClient;
using Microsoft.Data.Sqlite;
using OpenTelemetry;
using OpenTelemetry.Resources;

DbProviderFactories.RegisterFactory("Microsoft.Data.SqlClient", SqlClientFactory.Instance);
DbProviderFactories.RegisterFactory("Microsoft.Data.Sqlite", SqliteFactory.Instance);

var builder = FunctionsApplication.CreateBuilder(args);
builder.ConfigureFunctionsWebApplication();
builder.RouteLogsToHost();

// Comes before Cosmo's own services, so that what they log while they start arrives, too.
var toApplicationInsights = !string.IsNullOrEmpty(builder.Configuration["APPLICATIONINSIGHTS_CONNECTION_STRING"]);
var toCollector = !string.IsNullOrEmpty(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);
if (toApplicationInsights || toCollector)
{
    var telemetry = builder.Services.AddOpenTelemetry().UseFunctionsWorkerDefaults()
        .ConfigureResource(resource => resource.AddService(builder.Configuration["OTEL_SERVICE_NAME"] ?? builder.Configuration["WEBSITE_SITE_NAME"] ?? "cosmo"))
        .WithTracing(traces => traces.AddSource(Telemetry.Name))
        .WithMetrics(metrics => metrics.AddMeter(Telemetry.Name))
        .WithLogging(null, logs => logs.IncludeFormattedMessage = true);
    if (toApplicationInsights)
    {
        // Traces are sampled; what the log says of a failure must not depend on that.
        telemetry.UseAzureMonitorExporter(options => options.EnableTraceBasedLogsSampler = false);
    }

    if (toCollector)
    {
        telemetry.UseOtlpExporter();
    }
}

builder.AddCosmo();
builder.Build().Run();
