using System.Text.Json;
using Cosmo.Local.Emulators.WebPubSub.Clients;

namespace Cosmo.Local.Emulators.WebPubSub.Events;

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
    public void Raise(ClientConnection connection, string eventName, string? reason = null) =>
        Raise(connection, "sys", eventName, reason is null ? "{}"u8.ToArray() : JsonSerializer.SerializeToUtf8Bytes(new { reason }));

    /// <summary>Tells the handler of a connection that has joined or left a group. Nobody waits for it.</summary>
    public void RaiseMembership(ClientConnection connection, string group, bool joined) =>
        Raise(connection, "gp", joined ? "joined" : "left", JsonSerializer.SerializeToUtf8Bytes(new { group }));

    /// <summary>Gives a client's event to the handler and sends the handler's answer back to that client.</summary>
    public async Task<UserEventOutcome> SendUserEventAsync(ClientConnection connection, string eventName, MessageContent content)
    {
        var (outcome, answer) = await InvokeAsync(connection, eventName, content, CancellationToken.None);
        if (answer is not null)
        {
            connection.TryDeliver(new OutboundMessage(answer));
        }

        return outcome;
    }

    /// <summary>Gives a client's event to the handler.</summary>
    /// <returns>With the handler's answer; null if it has none.</returns>
    public async Task<(UserEventOutcome Outcome, MessageContent? Answer)> InvokeAsync(
        ClientConnection connection, string eventName, MessageContent content, CancellationToken cancellationToken)
    {
        if (!upstream.TakesUserEvent(connection.Identity.Hub, eventName))
        {
            return (UserEventOutcome.NoHandler, null);
        }

        statistics.UserEvent();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancellationToken);
        using var response = await upstream.PostAsync("user", eventName, connection.Identity, connection.State, content, either.Token);
        if (response is not { IsSuccessStatusCode: true })
        {
            logger.UserEventRefused(connection.Identity.Hub, (int)(response?.StatusCode ?? 0));
            return (UserEventOutcome.Refused, null);
        }

        connection.State = StateOf(response) ?? connection.State;
        var answer = await response.Content.ReadAsByteArrayAsync(stopping);
        var type = MessageContent.TypeOf(response.Content.Headers.ContentType?.MediaType) ?? DataType.Binary;
        return (UserEventOutcome.Taken, answer.Length > 0 ? new MessageContent(type, answer) : null);
    }

    private void Raise(ClientConnection connection, string kind, string eventName, byte[] body)
    {
        if (upstream.TakesSystemEvent(connection.Identity.Hub, eventName))
        {
            _ = RaiseAsync();
        }

        async Task RaiseAsync() =>
            (await upstream.PostAsync(kind, eventName, connection.Identity, connection.State, new MessageContent(DataType.Json, body), stopping))?.Dispose();
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
