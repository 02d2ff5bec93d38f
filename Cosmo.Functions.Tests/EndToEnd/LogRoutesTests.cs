using System.IO.Compression;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Where the app's log lines arrive: of an invocation, and of its start, which belongs to none.</summary>
public sealed class LogRoutesTests : IDisposable
{
    private const string OfStart = "are there, with their dead-letter twins";
    private const string OfInvocation = "Message msg-1 is answered";

    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(90));

    public void Dispose() => _limit.Dispose();

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task They_arrive_in_the_hosts_console_and_wherever_else_they_are_sent(bool toApplicationInsights, bool toCollector)
    {
        await using var insights = await Receiver.StartAsync();
        await using var collector = await Receiver.StartAsync();
        var settings = new Dictionary<string, string> { ["OTEL_BLRP_SCHEDULE_DELAY"] = "100", ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf" };
        if (toApplicationInsights)
        {
            settings["APPLICATIONINSIGHTS_CONNECTION_STRING"] = $"InstrumentationKey={Guid.Empty};IngestionEndpoint={insights.Url}";
        }

        if (toCollector)
        {
            settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Url;
        }

        await using var stack = await CosmoStack.StartAsync(settings);
        await using var client = await stack.OpenAsync("channel");
        await stack.Queue.SendAsync("channel", "msg-1", "Hello");
        await client.FinalAsync("msg-1");

        foreach (var line in (string[])[OfStart, OfInvocation])
        {
            await stack.WroteAsync(line, _limit.Token);
            await (toApplicationInsights ? insights.GotAsync(line, _limit.Token) : Task.CompletedTask);
            await (toCollector ? collector.GotAsync(line, _limit.Token) : Task.CompletedTask);
        }
    }

    /// <summary>Takes whatever is sent to it, as Application Insights and a collector do.</summary>
    private sealed class Receiver(WebApplication app) : IAsyncDisposable
    {
        private readonly StringBuilder _received = new();

        public string Url => app.Urls.Single();

        public static async Task<Receiver> StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            var app = builder.Build();
            app.Urls.Add("http://127.0.0.1:0");
            var receiver = new Receiver(app);
            app.MapFallback(receiver.TakeAsync);
            await app.StartAsync();
            return receiver;
        }

        public async Task GotAsync(string text, CancellationToken cancellationToken)
        {
            while (true)
            {
                lock (_received)
                {
                    if (_received.ToString().Contains(text, StringComparison.Ordinal))
                    {
                        return;
                    }
                }

                await Task.Delay(50, cancellationToken);
            }
        }

        public ValueTask DisposeAsync() => app.DisposeAsync();

        private async Task<IResult> TakeAsync(HttpRequest request)
        {
            await using var body = request.Headers.ContentEncoding == "gzip" ? new GZipStream(request.Body, CompressionMode.Decompress) : request.Body;
            using var reader = new StreamReader(body, Encoding.Latin1);
            var text = await reader.ReadToEndAsync();
            lock (_received)
            {
                _received.Append(text);
            }

            return request.Path.StartsWithSegments("/v2.1") ? Results.Json(new { itemsReceived = 1, itemsAccepted = 1, errors = Array.Empty<string>() }) : Results.Ok();
        }
    }
}
