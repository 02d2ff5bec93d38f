using System.Diagnostics;
using Cosmo.Local.Host.Functions;
using Cosmo.Local.Host.Queues;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Cosmo.Local.Host;

/// <summary>The host's part of a trace: the request or delivery, the steps of the orchestration, the invocations. The worker's own spans come from the worker.</summary>
internal static class HostTelemetry
{
    private const string Name = "Cosmo.Local.Host";

    private static readonly ActivitySource Spans = new(Name);

    /// <summary>A span around an invocation. The steps of an orchestration or an entity have none: there are many, and the Durable extension has a span for the whole.</summary>
    public static Activity? StartInvocation(FunctionDefinition function) =>
        function.Trigger.Is("orchestrationTrigger") || function.Trigger.Is("entityTrigger") ? null : Spans.StartActivity(function.Name)?.SetTag("faas.name", function.Name);

    /// <summary>Exports the spans over OTLP where the settings name an endpoint, until the result is disposed of.</summary>
    public static IAsyncDisposable Start(IConfiguration settings) => new Export(
        string.IsNullOrEmpty(settings["OTEL_EXPORTER_OTLP_ENDPOINT"])
            ? null
            : Sdk.CreateTracerProviderBuilder()
                .ConfigureServices(services => services.AddSingleton(settings))
                .ConfigureResource(resource => resource.AddService($"{settings["OTEL_SERVICE_NAME"] ?? "functions"}-host"))
                .AddSource(Name, "Microsoft.AspNetCore", QueueConsumer.ActivitySourceName, "DurableTask.Core", "WebJobs.Extensions.DurableTask")
                .AddOtlpExporter()
                .Build());

    private sealed class Export(TracerProvider? provider) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            provider?.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
