using System.Net.WebSockets;
using System.Text.Json;
using Cosmo.Local.Emulators.WebPubSub.Events;

namespace Cosmo.Local.Emulators.WebPubSub.Clients;

/// <summary>Where clients connect: checks the token, takes or recovers the connection and reads its frames.</summary>
internal sealed class ClientEndpoint(AccessTokens tokens, EventDispatcher events, EmulatorControl control, TimeProvider time, CancellationToken stopping)
{
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(30);

    public async Task HandleAsync(HttpContext context, Hub hub)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            await context.Response.WriteBadRequestAsync("This is a WebSocket endpoint.");
        }
        else if (control.Faults.Connect is { } refusal && refusal.Applies())
        {
            await context.Response.WriteErrorAsync(refusal.Status, "Fault", "The emulator was told to refuse connections.");
        }
        else if (context.Request.Query["awps_connection_id"].ToString() is { Length: > 0 } connectionId)
        {
            await RecoverAsync(context, hub, connectionId);
        }
        else
        {
            await ConnectAsync(context, hub);
        }
    }

    /// <summary>
    /// The reconnection token is the key here; an access token that has expired meanwhile does not matter. A refusal is
    /// a close with 1008: after any other the client would try again for half a minute.
    /// </summary>
    private async Task RecoverAsync(HttpContext context, Hub hub, string connectionId)
    {
        using var session = new SocketSession(stopping);
        var connection = hub.Find(connectionId);
        var isRecovered = connection?.ReconnectionToken is { } token
            && token == context.Request.Query["awps_reconnection_token"]
            && connection.TryAttach(session, time.GetUtcNow());
        if (!isRecovered)
        {
            session.Close(WebSocketCloseStatus.PolicyViolation, "The connection cannot be recovered.");
        }

        await RunAsync(context, hub, isRecovered ? connection : null, session, Subprotocols.ReliableJson);
    }

    private async Task ConnectAsync(HttpContext context, Hub hub)
    {
        var bearer = context.Request.Headers.Authorization.ToString();
        var presented = bearer.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? bearer[7..] : context.Request.Query["access_token"].ToString();
        var token = await tokens.CheckAsync(presented, $"/client/hubs/{hub.Name}");
        if (token.Token is null)
        {
            await context.Response.WriteUnauthorizedAsync(token.Error!);
            return;
        }

        var offered = context.WebSockets.WebSocketRequestedProtocols;
        var identity = new ClientIdentity(
            hub.Name,
            Guid.NewGuid().ToString("N"),
            token.Values("sub").FirstOrDefault(),
            offered.FirstOrDefault(name => Subprotocols.KindOf(name) != ClientKind.Simple));
        var answer = await events.ConnectAsync(identity, ConnectRequest.From(context.Request, token, [.. offered]), context.RequestAborted);
        if (answer.Status is { } status)
        {
            context.Response.StatusCode = status;
            await context.Response.WriteAsync(answer.Refusal ?? "");
            return;
        }

        identity = identity with { UserId = answer.UserId ?? identity.UserId, Subprotocol = answer.Subprotocol ?? identity.Subprotocol };
        var connection = new ClientConnection(identity, new Permissions([.. token.Values("role"), .. answer.Roles ?? []])) { State = answer.State };
        using var session = new SocketSession(stopping);
        connection.Protocol = ProtocolOf(context, hub, connection);
        connection.TryAttach(session, time.GetUtcNow());
        if (!hub.TryAdd(connection, [.. token.Values("webpubsub.group"), .. answer.Groups ?? []]))
        {
            await context.Response.WriteErrorAsync(StatusCodes.Status429TooManyRequests, "TooManyRequests", "Connection count reaches limit");
            return;
        }

        events.Raise(connection, "connected");
        await RunAsync(context, hub, connection, session, identity.Subprotocol);
    }

    private static async Task RunAsync(HttpContext context, Hub hub, ClientConnection? connection, SocketSession session, string? subprotocol)
    {
        try
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
            {
                SubProtocol = subprotocol,
                KeepAliveInterval = KeepAlive,
                KeepAliveTimeout = KeepAlive,
            });
            var sender = session.RunSenderAsync(socket);
            await ReadAsync(hub, connection, session);
            End("The client closed the connection.");
            session.Close(WebSocketCloseStatus.NormalClosure, "");
            await sender;
        }
        catch (Exception exception) when (exception is WebSocketException or IOException or OperationCanceledException)
        {
            if (session.IsClosing)
            {
                End("The connection was closed.");
            }
            else if (connection is not null)
            {
                hub.Detach(connection, session);
            }
        }
        catch
        {
            End("The emulator failed.");
            throw;
        }

        void End(string reason)
        {
            if (connection is not null)
            {
                hub.End(connection, reason);
            }
        }
    }

    /// <summary>Carries out frames until the client closes its socket.</summary>
    private static async Task ReadAsync(Hub hub, ClientConnection? connection, SocketSession session)
    {
        while (await session.ReceiveAsync() is { } frame)
        {
            if (connection is not null && await HandleAsync(connection.Protocol!, frame) is { } reason)
            {
                hub.End(connection, reason, WebSocketCloseStatus.PolicyViolation);
            }
        }
    }

    private static async Task<string?> HandleAsync(IClientProtocol protocol, Frame frame)
    {
        try
        {
            return await protocol.HandleAsync(frame);
        }
        catch (JsonException exception)
        {
            return $"The frame is not valid. {exception.Message}";
        }
    }

    private IClientProtocol ProtocolOf(HttpContext context, Hub hub, ClientConnection connection)
    {
        if (connection.Identity.Kind != ClientKind.Simple)
        {
            return new JsonClient(hub, connection, events, control, time);
        }

        var query = context.Request.Query;
        return new SimpleClient(hub, connection, events, query["webpubsub_mode"] == "sendToGroup" ? query["group"].ToString() : null);
    }
}
