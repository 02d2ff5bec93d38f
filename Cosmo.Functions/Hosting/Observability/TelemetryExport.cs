using System.Diagnostics;
using Azure.Monitor.OpenTelemetry.Exporter;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Azure.Functions.Worker.Middleware;
using Microsoft.Azure.Functions.Worker.OpenTelemetry;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using RabbitMQ.Client;

namespace Cosmo.Functions.Hosting.Observability;

/// <summary>
/// Has spans, metrics and log lines exported by one pipeline, over OTLP and to Application Insights, whichever the settings name; where they name neither, nothing is
/// listened to and nothing is made.
/// </summary>
internal static class TelemetryExport
{
    /// <summary>To be called before Cosmo's own services are added, so that what they log while they start arrives, too.</summary>
    /// <exception cref="InvalidOperationException"><c>APPLICATIONINSIGHTS_AUTHENTICATION_STRING</c> is wrong.</exception>
    public static FunctionsApplicationBuilder ExportTelemetry(this FunctionsApplicationBuilder builder)
    {
        var settings = builder.Configuration;
        var toApplicationInsights = !string.IsNullOrEmpty(settings["APPLICATIONINSIGHTS_CONNECTION_STRING"]);
        var toCollector = !string.IsNullOrEmpty(settings["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        if (!toApplicationInsights && !toCollector)
        {
            return builder;
        }

        // The routing key of a reply is the name of somebody's queue.
        RabbitMQActivitySource.UseRoutingKeyAsOperationName = false;
        builder.UseMiddleware<ReplaysHaveNoSpan>();
        var telemetry = builder.Services.AddOpenTelemetry().UseFunctionsWorkerDefaults()
            .ConfigureResource(resource => resource.AddService(settings["OTEL_SERVICE_NAME"] ?? settings["WEBSITE_SITE_NAME"] ?? "cosmo"))
            .WithTracing(traces => traces
                .AddSource(Telemetry.Name, SpanRules.Calls, SpanRules.GrpcCalls, RabbitMQActivitySource.PublisherSourceName)
                .AddProcessor<SpanRules>())
            .WithMetrics(metrics => metrics.AddMeter(Telemetry.Name, SpanRules.Calls, "System.Runtime").SetExemplarFilter(ExemplarFilterType.TraceBased))
            .WithLogging(null, logs => logs.IncludeFormattedMessage = true);
        if (toApplicationInsights)
        {
            var credential = ApplicationInsightsIdentity.CredentialOf(settings);
            telemetry.UseAzureMonitorExporter(options =>
            {
                options.Credential = credential;
                // What the log says of a failure must not depend on the sampling.
                options.EnableTraceBasedLogsSampler = false;
            });
        }

        if (toCollector)
        {
            telemetry.UseOtlpExporter();
        }

        // Comes last: the exporter for Application Insights has a sampler of its own, which knows nothing of failures.
        telemetry.WithTracing(traces => traces.SetSampler(new RecordsAll(settings)));
        return builder;
    }

    /// <summary>An orchestrator runs again at each of its steps. The Durable extension has one span for all of it.</summary>
    private sealed class ReplaysHaveNoSpan : IFunctionsWorkerMiddleware
    {
        public Task Invoke(FunctionContext context, FunctionExecutionDelegate next)
        {
            if (Activity.Current is { } span && context.FunctionDefinition.InputBindings.Values.Any(binding => binding.Type == "orchestrationTrigger"))
            {
                span.IsAllDataRequested = false;
                span.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
            }

            return next(context);
        }
    }
}
