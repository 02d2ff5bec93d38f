using System.Net.WebSockets;
using System.Text.Json;
using System.Threading.Channels;
using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Delivery;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cosmo.Functions.Tests.Delivery;

/// <summary>A Web PubSub whose confirmations of what comes over a socket are the test's to give; what comes by REST is taken at once.</summary>
internal sealed class SlowService : IAsyncDisposable
{
    private readonly Channel<JsonElement> _frames = Channel.CreateUnbounded<JsonElement>();
    private readonly Channel<string> _byRest = Channel.CreateUnbounded<string>();
    private readonly TaskCompletionSource<WebSocket> _socket = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly WebApplication _app;

    private SlowService(WebApplication app, TimeProvider clock)
    {
        _app = app;
        _app.UseWebSockets();
        _app.Map("/client/hubs/{hub}", async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync("json.webpubsub.azure.v1");
            _socket.TrySetResult(socket);
            await ReadAsync(socket, context.RequestAborted);
        });
        _app.MapPost("/api/hubs/{hub}/groups/{group}/:send", async context =>
        {
            using var update = await JsonDocument.ParseAsync(context.Request.Body);
            _byRest.Writer.TryWrite(StatusOf(update.RootElement));
            context.Response.StatusCode = 202;
        });
        Clock = clock;
    }

    public TimeProvider Clock { get; }

    public WebPubSubServiceClient Client { get; private set; } = null!;

    public PublisherConnection Connection { get; private set; } = null!;

    public static async Task<SlowService> StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var service = new SlowService(app, new ManualTimeProvider());
        await app.StartAsync(cancellationToken);
        service.Client = new($"Endpoint={app.Urls.Single()};AccessKey=some-key-of-some-length-for-this-test;Version=1.0;", "cosmo");
        service.Connection = new(service.Client, service.Clock, NullLogger<PublisherConnection>.Instance);
        await service.Connection.StartAsync(cancellationToken);
        await service._socket.Task.WaitAsync(cancellationToken);
        return service;
    }

    /// <summary>The number and the status of the next update that came over the socket.</summary>
    public async Task<(ulong AckId, string Status)> NextAsync(CancellationToken cancellationToken)
    {
        var frame = await _frames.Reader.ReadAsync(cancellationToken);
        return (frame.GetProperty("ackId").GetUInt64(), StatusOf(frame.GetProperty("data")));
    }

    /// <summary>The status of the next update that came by REST.</summary>
    public ValueTask<string> NextByRestAsync(CancellationToken cancellationToken) => _byRest.Reader.ReadAsync(cancellationToken);

    /// <summary>Nothing more has come by REST.</summary>
    public bool IsRestQuiet => !_byRest.Reader.TryPeek(out _);

    public async Task ConfirmAsync(ulong ackId, bool isTaken) => await (await _socket.Task).SendAsync(
        JsonSerializer.SerializeToUtf8Bytes(new { type = "ack", ackId, success = isTaken, error = isTaken ? null : new { name = "InternalServerError" } }),
        WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await Connection.StopAsync(CancellationToken.None);
        Connection.Dispose();
        await _app.DisposeAsync();
    }

    private async Task ReadAsync(WebSocket socket, CancellationToken cancellationToken)
    {
        var buffer = new byte[8192];
        while (await socket.ReceiveAsync(buffer.AsMemory(), cancellationToken) is { MessageType: WebSocketMessageType.Text } part)
        {
            _frames.Writer.TryWrite(JsonSerializer.Deserialize<JsonElement>(buffer.AsSpan(0, part.Count)));
        }
    }

    private static string StatusOf(JsonElement update) => update.GetProperty("payload").GetProperty("status").GetString()!;
}
