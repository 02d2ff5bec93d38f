using System.Text.Json;

namespace Cosmo.Local.Emulators.WebPubSub;

/// <summary>Turns what happens to connections into the webhook's events, and its answers into what the service does.</summary>
internal sealed class EventDispatcher(Upstream upstream, EmulatorStatistics statistics, ILogger logger, CancellationToken stopping)
{
    private const string StateHeader = "ce-connectionState";

    /// <summary>Asks the handler whether a client may connect, and as what.</summary>
    public async Task<ConnectAnswer> ConnectAsync(ClientIdentity client, ConnectRequest request, CancellationToken cancellationToken)
    {
        if (!upstream.TakesSystemEvent(client.Hub, "connect"))
        {
            return ConnectAnswer.Accepted;
        }

        var body = new MessageContent(DataType.Json, JsonSerializer.SerializeToUtf8Bytes(request, JsonSerializerOptions.Web));
        using var response = await upstream.PostAsync("sys", "connect", client, null, body, cancellationToken);
        if (response is null)
        {
            return new ConnectAnswer { Status = StatusCodes.Status500InternalServerError, Refusal = "The event handler did not answer." };
        }

        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            return new ConnectAnswer { Status = (int)response.StatusCode, Refusal = text };
        }

        try
        {
            var answer = text.Length == 0 ? ConnectAnswer.Accepted : JsonSerializer.Deserialize<ConnectAnswer>(text, JsonSerializerOptions.Web)!;
            return answer with { State = StateOf(response) };
        }
        catch (JsonException)
        {
            return new ConnectAnswer { Status = StatusCodes.Status500InternalServerError, Refusal = "The event handler's answer is not what a connect event asks for." };
        }
    }

    /// <summary>Tells the handler of a connection that has come or gone. Nobody waits for it.</summary>
    public void Raise(ClientConnection connection, string eventName, string? reason = null)
    {
        if (upstream.TakesSystemEvent(connection.Identity.Hub, eventName))
        {
            var body = reason is null ? "{}"u8.ToArray() : JsonSerializer.SerializeToUtf8Bytes(new { reason });
            _ = RaiseAsync();

            async Task RaiseAsync() =>
                (await upstream.PostAsync("sys", eventName, connection.Identity, connection.State, new MessageContent(DataType.Json, body), stopping))?.Dispose();
        }
    }

    /// <summary>Gives a client's event to the handler and sends the handler's answer back to that client.</summary>
    public async Task<UserEventOutcome> SendUserEventAsync(ClientConnection connection, string eventName, MessageContent content)
    {
        if (!upstream.TakesUserEvent(connection.Identity.Hub, eventName))
        {
            return UserEventOutcome.NoHandler;
        }

        statistics.UserEvent();
        using var response = await upstream.PostAsync("user", eventName, connection.Identity, connection.State, content, stopping);
        if (response is not { IsSuccessStatusCode: true })
        {
            logger.UserEventRefused(connection.Identity.Hub, (int)(response?.StatusCode ?? 0));
            return UserEventOutcome.Refused;
        }

        connection.State = StateOf(response) ?? connection.State;
        var answer = await response.Content.ReadAsByteArrayAsync(stopping);
        if (answer.Length > 0)
        {
            var type = MessageContent.TypeOf(response.Content.Headers.ContentType?.MediaType) ?? DataType.Binary;
            connection.TryDeliver(new OutboundMessage(new MessageContent(type, answer)));
        }

        return UserEventOutcome.Taken;
    }

    private static string? StateOf(HttpResponseMessage response) =>
        response.Headers.TryGetValues(StateHeader, out var values) ? values.First() : null;
}

/// <summary>What became of a client's event.</summary>
internal enum UserEventOutcome
{
    Taken,
    NoHandler,
    Refused,
}
