using System.Data.Common;
using Azure.Monitor.OpenTelemetry.Exporter;
using Cosmo.Functions;
using Cosmo.Functions.Hosting;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Azure.Functions.Worker.OpenTelemetry;
using Microsoft.Data.SqlClient;
using Microsoft.Data.Sqlite;
using OpenTelemetry;

DbProviderFactories.RegisterFactory("Microsoft.Data.SqlClient", SqlClientFactory.Instance);
DbProviderFactories.RegisterFactory("Microsoft.Data.Sqlite", SqliteFactory.Instance);

var builder = FunctionsApplication.CreateBuilder(args);
builder.ConfigureFunctionsWebApplication();
builder.AddCosmo();

// Cosmo exports its own spans over OTLP. Here the worker's are added, and Application Insights gets both where it is configured. With the worker's
// OpenTelemetry the host leaves the log lines to it, so without an exporter that would silence the app.
if (!string.IsNullOrEmpty(builder.Configuration["APPLICATIONINSIGHTS_CONNECTION_STRING"]))
{
    builder.Services.AddOpenTelemetry().UseFunctionsWorkerDefaults()
        .WithTracing(traces => traces.AddSource(Telemetry.Name))
        .WithMetrics(metrics => metrics.AddMeter(Telemetry.Name))
        .UseAzureMonitorExporter();
}
else if (!string.IsNullOrEmpty(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
{
    builder.Services.AddOpenTelemetry().UseFunctionsWorkerDefaults().UseOtlpExporter();
}

builder.Build().Run();
