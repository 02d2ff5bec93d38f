using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text;
using Cosmo.Functions.Tests.EndToEnd.Observability.Otlp;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Cosmo.Functions.Tests.EndToEnd.Observability;

/// <summary>A collector that takes what host and worker export over OTLP/HTTP, and keeps it.</summary>
internal sealed class OtlpCollector(WebApplication app) : IAsyncDisposable
{
    private readonly ConcurrentQueue<SeenSpan> _spans = new();
    private readonly ConcurrentQueue<SeenLog> _logs = new();
    private readonly ConcurrentDictionary<(string Service, string Name), Metric> _metrics = new();
    private readonly ConcurrentQueue<byte[]> _raw = new();

    /// <summary>The settings that have an app export here, and soon.</summary>
    public IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = app.Urls.Single(),
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
        ["OTEL_BLRP_SCHEDULE_DELAY"] = "100",
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "500",
    };

    public IReadOnlyCollection<SeenSpan> Spans => _spans;

    public IReadOnlyCollection<SeenLog> Logs => _logs;

    /// <summary>The newest state of each metric.</summary>
    public IReadOnlyDictionary<(string Service, string Name), Metric> Metrics => _metrics;

    /// <summary>Whether this text stands anywhere in what was sent.</summary>
    public bool Holds(string text) => _raw.Any(body => body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0);

    public static async Task<OtlpCollector> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var collector = new OtlpCollector(app);
        app.MapPost("/v1/traces", async (HttpRequest request) => collector.Take(TraceRequest.Parser.ParseFrom(await collector.ReadAsync(request))));
        app.MapPost("/v1/metrics", async (HttpRequest request) => collector.Take(MetricsRequest.Parser.ParseFrom(await collector.ReadAsync(request))));
        app.MapPost("/v1/logs", async (HttpRequest request) => collector.Take(LogsRequest.Parser.ParseFrom(await collector.ReadAsync(request))));
        await app.StartAsync();
        return collector;
    }

    /// <summary>Waits until what was sent is as the caller wants it.</summary>
    public async Task UntilAsync(Func<OtlpCollector, bool> isThere, CancellationToken cancellationToken)
    {
        while (!isThere(this))
        {
            await Task.Delay(20, cancellationToken);
        }
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private async Task<byte[]> ReadAsync(HttpRequest request)
    {
        await using var body = request.Headers.ContentEncoding == "gzip" ? new GZipStream(request.Body, CompressionMode.Decompress) : request.Body;
        using var bytes = new MemoryStream();
        await body.CopyToAsync(bytes);
        _raw.Enqueue(bytes.ToArray());
        return bytes.ToArray();
    }

    private void Take(TraceRequest request)
    {
        foreach (var resource in request.ResourceSpans)
        {
            foreach (var scope in resource.ScopeSpans)
            {
                foreach (var span in scope.Spans)
                {
                    _spans.Enqueue(new SeenSpan(
                        ServiceOf(resource.Resource), scope.Scope.Name, span.Name, Hex(span.TraceId), Hex(span.SpanId), Hex(span.ParentSpanId), span.Kind,
                        span.StartTimeUnixNano, span.EndTimeUnixNano, Read(span.Attributes), span.Status?.Code ?? 0, [.. span.Links.Select(link => Hex(link.TraceId))]));
                }
            }
        }
    }

    private void Take(MetricsRequest request)
    {
        foreach (var resource in request.ResourceMetrics)
        {
            foreach (var metric in resource.ScopeMetrics.SelectMany(scope => scope.Metrics))
            {
                _metrics[(ServiceOf(resource.Resource), metric.Name)] = metric;
            }
        }
    }

    private void Take(LogsRequest request)
    {
        foreach (var resource in request.ResourceLogs)
        {
            foreach (var record in resource.ScopeLogs.SelectMany(scope => scope.LogRecords))
            {
                _logs.Enqueue(new SeenLog(ServiceOf(resource.Resource), record.Body?.StringValue ?? "", Hex(record.TraceId), Hex(record.SpanId)));
            }
        }
    }

    private static string ServiceOf(Resource resource) => Read(resource.Attributes).GetValueOrDefault("service.name", "");

    private static string Hex(ByteString bytes) => Convert.ToHexStringLower(bytes.Span);

    public static Dictionary<string, string> Read(RepeatedField<KeyValue> attributes) =>
        attributes.GroupBy(attribute => attribute.Key).ToDictionary(same => same.Key, same => Text(same.Last().Value));

    private static string Text(AnyValue value) => value.ValueCase switch
    {
        AnyValue.ValueOneofCase.StringValue => value.StringValue,
        AnyValue.ValueOneofCase.BoolValue => value.BoolValue ? "true" : "false",
        AnyValue.ValueOneofCase.IntValue => value.IntValue.ToString(System.Globalization.CultureInfo.InvariantCulture),
        AnyValue.ValueOneofCase.DoubleValue => value.DoubleValue.ToString(System.Globalization.CultureInfo.InvariantCulture),
        AnyValue.ValueOneofCase.ArrayValue => string.Join(',', value.ArrayValue.Values.Select(Text)),
        _ => "",
    };
}

/// <param name="Kind">1 internal, 2 server, 3 client, 4 producer, 5 consumer.</param>
/// <param name="Status">0 unset, 1 ok, 2 error.</param>
/// <param name="Links">The traces that it is linked to.</param>
internal sealed record SeenSpan(
    string Service,
    string Source,
    string Name,
    string TraceId,
    string SpanId,
    string ParentId,
    int Kind,
    ulong Start,
    ulong End,
    IReadOnlyDictionary<string, string> Attributes,
    int Status,
    IReadOnlyList<string> Links);

internal sealed record SeenLog(string Service, string Text, string TraceId, string SpanId);
