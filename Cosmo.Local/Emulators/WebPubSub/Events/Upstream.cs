using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Cosmo.Local.Emulators.WebPubSub.Clients;

namespace Cosmo.Local.Emulators.WebPubSub.Events;

/// <summary>Gives events to a hub's webhook as CloudEvents in HTTP binary mode.</summary>
internal sealed class Upstream : IDisposable
{
    private readonly ConcurrentDictionary<string, bool> _validated = new(StringComparer.Ordinal);
    private readonly Dictionary<string, WebPubSubEventHandler> _handlers;
    private readonly byte[] _primaryKey;
    private readonly byte[] _secondaryKey = RandomNumberGenerator.GetBytes(32);
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly string _origin;
    private readonly HttpClient _http;
    private long _lastEventId;

    public Upstream(WebPubSubEmulatorOptions options, string origin, ILogger logger)
    {
        _handlers = new Dictionary<string, WebPubSubEventHandler>(options.EventHandlers, StringComparer.OrdinalIgnoreCase);
        _primaryKey = Encoding.UTF8.GetBytes(options.AccessKey);
        _time = options.TimeProvider;
        _origin = origin;
        _logger = logger;
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8,
        })
        {
            Timeout = Limits.Webhook,
            MaxResponseContentBufferSize = Limits.MessageBytes,
        };
    }

    public bool TakesSystemEvent(string hub, string eventName) =>
        _handlers.TryGetValue(hub, out var handler) && handler.TakesSystemEvent(eventName);

    public bool TakesUserEvent(string hub, string eventName) =>
        _handlers.TryGetValue(hub, out var handler) && handler.TakesUserEvent(eventName);

    /// <summary>Posts one event of a hub that takes it.</summary>
    /// <param name="kind"><c>sys</c>, <c>gp</c> (a group) or <c>user</c>.</param>
    /// <param name="eventName">The event's name.</param>
    /// <param name="client">The client it comes from.</param>
    /// <param name="state">The connection's state, if the handler has set one.</param>
    /// <param name="content">The body.</param>
    /// <param name="cancellationToken">Ends the call; it also ends after 30 seconds.</param>
    /// <returns>The answer; null if there was none: the cause is logged, unless the caller ended the call.</returns>
    public async Task<HttpResponseMessage?> PostAsync(
        string kind, string eventName, ClientIdentity client, string? state, MessageContent content, CancellationToken cancellationToken)
    {
        var handler = _handlers[client.Hub];
        try
        {
            if (!await IsValidatedAsync(handler, client.Hub, cancellationToken))
            {
                return null;
            }

            using var request = new HttpRequestMessage(HttpMethod.Post, handler.UrlFor(client.Hub, eventName))
            {
                Content = new ReadOnlyMemoryContent(content.Bytes),
            };
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(content.MediaType);
            AddHeaders(request.Headers, kind, eventName, client, state);
            return await _http.SendAsync(request, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or UriFormatException or FormatException)
        {
            _logger.WebhookFailed(exception, client.Hub, kind);
            return null;
        }
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Asks the webhook once whether it wants this service's events, so that nobody else's address gets them.</summary>
    private async Task<bool> IsValidatedAsync(WebPubSubEventHandler handler, string hub, CancellationToken cancellationToken)
    {
        if (_validated.ContainsKey(hub))
        {
            return true;
        }

        using var request = new HttpRequestMessage(HttpMethod.Options, handler.UrlFor(hub, "validate"));
        request.Headers.Add("WebHook-Request-Origin", _origin);
        request.Headers.Add("ce-awpsversion", "1.0");
        using var response = await _http.SendAsync(request, cancellationToken);
        var allowed = response.Headers.TryGetValues("WebHook-Allowed-Origin", out var values)
            ? values.SelectMany(value => value.Split(',', StringSplitOptions.TrimEntries))
            : [];
        if (response.IsSuccessStatusCode && allowed.Any(origin => origin == "*" || origin.Equals(_origin, StringComparison.OrdinalIgnoreCase)))
        {
            return _validated[hub] = true;
        }

        _logger.WebhookNotValidated(hub, (int)response.StatusCode);
        return false;
    }

    private void AddHeaders(HttpRequestHeaders headers, string kind, string eventName, ClientIdentity client, string? state)
    {
        headers.Add("WebHook-Request-Origin", _origin);
        headers.Add("ce-awpsversion", "1.0");
        headers.Add("ce-specversion", "1.0");
        headers.Add("ce-type", $"azure.webpubsub.{kind}.{eventName}");
        headers.Add("ce-source", $"/hubs/{client.Hub}/client/{client.ConnectionId}");
        headers.Add("ce-id", Interlocked.Increment(ref _lastEventId).ToString(CultureInfo.InvariantCulture));
        headers.Add("ce-time", _time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture));
        headers.Add("ce-signature", $"{Sign(_primaryKey, client.ConnectionId)},{Sign(_secondaryKey, client.ConnectionId)}");
        headers.Add("ce-hub", client.Hub);
        headers.Add("ce-connectionId", client.ConnectionId);
        headers.Add("ce-eventName", eventName);
        AddIfSet("ce-userId", client.UserId);
        AddIfSet("ce-subprotocol", client.Subprotocol);
        AddIfSet("ce-connectionState", state);

        void AddIfSet(string name, string? value)
        {
            if (value is not null)
            {
                headers.Add(name, value);
            }
        }
    }

    private static string Sign(byte[] key, string connectionId) =>
        $"sha256={Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(connectionId)))}";
}
