using System.Diagnostics;
using Cosmo.Local.Host.Queues;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Cosmo.Local.Host;

/// <summary>
/// The host's part of a trace, with the sources that the real host exports: the request or delivery, and the steps of the orchestration. The worker has the
/// invocations themselves. Both are one service; the instance tells them apart.
/// </summary>
internal static class HostTelemetry
{
    /// <summary>Exports the spans over OTLP where the settings name an endpoint, until the result is disposed of.</summary>
    public static IAsyncDisposable Start(IConfiguration settings) => new Export(
        string.IsNullOrEmpty(settings["OTEL_EXPORTER_OTLP_ENDPOINT"])
            ? null
            : Sdk.CreateTracerProviderBuilder()
                .ConfigureServices(services => services.AddSingleton(settings))
                .ConfigureResource(resource => resource.AddService(settings["OTEL_SERVICE_NAME"] ?? "cosmo"))
                // The Durable extension loses the trace of what is not sampled: each activity would begin another.
                .SetSampler(new AlwaysOnSampler())
                .AddProcessor<NamesCalls>()
                .AddSource("Microsoft.AspNetCore", QueueConsumer.ActivitySourceName, "DurableTask.Core", "WebJobs.Extensions.DurableTask")
                .AddOtlpExporter()
                .Build());

    /// <summary>
    /// Says of the span of a request what the instrumentation of ASP.NET Core adds in the real host. That of a ping of <c>health/live</c>, such as <c>./cosmo run</c>
    /// sends every ten seconds, is not exported unless it fails; the real host leaves out those that come to 127.0.0.1, as all do here.
    /// </summary>
    public static async Task NameRequestAsync(HttpContext http, RequestDelegate next)
    {
        await next(http);
        if (Activity.Current is { IsAllDataRequested: true } span)
        {
            var route = (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
            span.DisplayName = $"{http.Request.Method} {route}".TrimEnd();
            span.SetTag("http.route", route).SetTag("http.response.status_code", http.Response.StatusCode);
            if (http.Response.StatusCode >= StatusCodes.Status500InternalServerError)
            {
                span.SetStatus(ActivityStatusCode.Error);
            }
            else if ($"/{route}".EndsWith("/health/live", StringComparison.Ordinal))
            {
                span.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
            }
        }
    }

    /// <summary>A call of the Durable client by the worker is named as what it calls.</summary>
    private sealed class NamesCalls : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data) => data.DisplayName = data.GetTagItem("grpc.method") is string method ? method.TrimStart('/') : data.DisplayName;
    }

    private sealed class Export(TracerProvider? provider) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            provider?.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
