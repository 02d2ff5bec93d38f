using System.Collections.Concurrent;
using System.Net;
using Cosmo.Local.Host.Worker.Protocol;
using Grpc.Core;
using RpcException = Grpc.Core.RpcException;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Cosmo.Local.Host.Worker;

/// <summary>Where workers connect to: gRPC on a loopback port of its own.</summary>
internal sealed class WorkerServer : FunctionRpc.FunctionRpcBase, IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, WorkerChannel> _channels = new();
    private WebApplication? _app;

    public Uri Address => new(_app!.Urls.First());

    public static async Task<WorkerServer> StartAsync(ILoggerFactory logs, CancellationToken cancellationToken)
    {
        var server = new WorkerServer();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            // A stream may be silent for as long as there is nothing to do.
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
        });
        builder.Services.AddSingleton(logs);
        builder.Services.AddSingleton<IHostLifetime, EmbeddedLifetime>();
        builder.Services.AddSingleton(server);
        builder.Services.AddRouting();
        builder.Services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = grpc.MaxSendMessageSize = null);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));
        server._app = builder.Build();
        server._app.MapGrpcService<WorkerServer>();
        await server._app.StartAsync(cancellationToken);
        return server;
    }

    /// <summary>Lets a worker in that shows the channel's id.</summary>
    public void Expect(WorkerChannel channel) => _channels[channel.WorkerId] = channel;

    public void Forget(WorkerChannel channel) => _channels.TryRemove(channel.WorkerId, out _);

    public override async Task EventStream(
        IAsyncStreamReader<StreamingMessage> requestStream, IServerStreamWriter<StreamingMessage> responseStream, ServerCallContext context)
    {
        if (await requestStream.MoveNext(context.CancellationToken)
            && requestStream.Current.StartStream is { } start && _channels.TryGetValue(start.WorkerId, out var channel) && !channel.Connected.IsCompleted)
        {
            await channel.RunAsync(requestStream, responseStream, context.CancellationToken);
            return;
        }

        throw new RpcException(new Status(StatusCode.PermissionDenied, "The host expects no such worker."));
    }

    public async ValueTask DisposeAsync() => await _app!.DisposeAsync();
}
