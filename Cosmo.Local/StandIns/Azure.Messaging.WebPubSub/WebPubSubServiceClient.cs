using System.Globalization;
using System.Text.Json;
using System.Web;
using Azure.Core;
using Azure.Core.Pipeline;

namespace Azure.Messaging.WebPubSub;

/// <summary>
/// The members of the official Web PubSub client that the app uses, over the service's REST API and Azure.Core's own
/// pipeline: time limits, three retries with exponential backoff, and errors are those of the official client.
/// </summary>
public class WebPubSubServiceClient
{
    private const string ApiVersion = "2024-12-01";
    private const string Scope = "https://webpubsub.azure.com/.default";

    private static readonly ResponseClassifier Ok = new StatusCodeClassifier([200]);
    private static readonly ResponseClassifier Accepted = new StatusCodeClassifier([202]);
    private static readonly ResponseClassifier NoContent = new StatusCodeClassifier([204]);

    private readonly HttpPipeline _pipeline = null!;
    private readonly string? _accessKey;

    /// <summary>Makes a client with an access key.</summary>
    /// <param name="connectionString"><c>Endpoint=https://NAME.webpubsub.azure.com;AccessKey=…;Version=1.0;</c></param>
    /// <param name="hub">The hub's name.</param>
    /// <exception cref="ArgumentException">The connection string lacks a property.</exception>
    public WebPubSubServiceClient(string connectionString, string hub)
        : this(AccessKeyConnection.Parse(connectionString), hub)
    {
    }

    /// <summary>Makes a client with an Entra identity. The endpoint must be https.</summary>
    public WebPubSubServiceClient(Uri endpoint, string hub, TokenCredential credential)
        : this(endpoint, hub, new BearerTokenAuthenticationPolicy(credential, Scope))
    {
    }

    /// <summary>For mocks.</summary>
    protected WebPubSubServiceClient()
    {
    }

    private WebPubSubServiceClient(AccessKeyConnection connection, string hub)
        : this(connection.Endpoint, hub, new AccessKeyPolicy(connection.AccessKey))
    {
        _accessKey = connection.AccessKey;
    }

    private WebPubSubServiceClient(Uri endpoint, string hub, HttpPipelinePolicy authentication)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        ArgumentNullException.ThrowIfNull(hub);
        Endpoint = endpoint;
        Hub = hub;
        _pipeline = HttpPipelineBuilder.Build(new Options(), [], [authentication], new ResponseClassifier());
    }

    /// <summary>The service's endpoint.</summary>
    public virtual Uri Endpoint { get; } = null!;

    /// <summary>The hub.</summary>
    public virtual string Hub { get; } = null!;

    /// <summary>Sends to every connection of a group.</summary>
    /// <param name="group">The group's name, 1 to 1024 characters, as it is: it is escaped here.</param>
    /// <param name="content">The message.</param>
    /// <param name="contentType">application/json, text/plain or application/octet-stream.</param>
    /// <param name="excluded">The ids of connections that are left out.</param>
    /// <param name="filter">An OData filter over the connections.</param>
    /// <param name="context">Carries the cancellation token.</param>
    /// <exception cref="RequestFailedException">The service did not answer 202, after all retries.</exception>
    public virtual async Task<Response> SendToGroupAsync(string group, RequestContent content, ContentType contentType, IEnumerable<string>? excluded = null, string? filter = null, RequestContext? context = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(group);
        ArgumentNullException.ThrowIfNull(content);

        using var message = CreateMessage(context, Accepted, $"groups/{Uri.EscapeDataString(group)}/:send");
        foreach (var connectionId in excluded ?? [])
        {
            message.Request.Uri.AppendQuery("excluded", connectionId, escapeValue: true);
        }

        if (filter is not null)
        {
            message.Request.Uri.AppendQuery("filter", filter, escapeValue: true);
        }

        message.Request.Headers.Add(HttpHeader.Names.ContentType, contentType.ToString());
        message.Request.Content = content;
        return await SendAsync(message, context).ConfigureAwait(false);
    }

    /// <summary>Sends a text to every connection of a group, as text/plain if nothing else is said.</summary>
    /// <exception cref="RequestFailedException">The service did not answer 202, after all retries.</exception>
    public virtual async Task<Response> SendToGroupAsync(string group, string content, ContentType contentType = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        return await SendToGroupAsync(group, RequestContent.Create(content), contentType == default ? ContentType.TextPlain : contentType, context: null).ConfigureAwait(false);
    }

    /// <summary>The connections of a group, page by page.</summary>
    /// <param name="group">The group's name.</param>
    /// <param name="maxpagesize">The most that one page has, 1 to 200.</param>
    /// <param name="maxCount">The most that are listed.</param>
    /// <param name="continuationToken">Where to go on.</param>
    public virtual AsyncPageable<WebPubSubGroupMember> ListConnectionsInGroupAsync(string group, int? maxpagesize = null, int? maxCount = null, string? continuationToken = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(group);
        return new GroupMembers((next, cancellationToken) => ListAsync(group, maxpagesize, maxCount, next, cancellationToken), continuationToken);
    }

    /// <summary>Takes a connection out of a group; one that is gone is no error.</summary>
    /// <exception cref="RequestFailedException">The service did not answer 204, after all retries.</exception>
    public virtual async Task<Response> RemoveConnectionFromGroupAsync(string group, string connectionId, RequestContext? context = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(group);
        ArgumentException.ThrowIfNullOrEmpty(connectionId);
        using var message = CreateMessage(
            context, NoContent, $"groups/{Uri.EscapeDataString(group)}/connections/{Uri.EscapeDataString(connectionId)}", RequestMethod.Delete);
        return await SendAsync(message, context).ConfigureAwait(false);
    }

    /// <summary>Makes the URL, with its token, at which one client connects. With an access key this needs no network.</summary>
    /// <param name="expiresAfter">How long the URL may be used to connect; an hour if left out.</param>
    /// <param name="userId">The user; without one the connection is anonymous.</param>
    /// <param name="roles">What the client may do, such as <c>webpubsub.joinLeaveGroup.NAME</c>.</param>
    /// <param name="groups">The groups that the connection is in from its start.</param>
    /// <param name="clientProtocol">The kind of client.</param>
    /// <param name="cancellationToken">Ends the request that an Entra identity needs for this.</param>
    public virtual async Task<Uri> GetClientAccessUriAsync(TimeSpan expiresAfter = default, string? userId = null, IEnumerable<string>? roles = null, IEnumerable<string>? groups = null, WebPubSubClientProtocol clientProtocol = WebPubSubClientProtocol.Default, CancellationToken cancellationToken = default)
    {
        var (path, clientType) = clientProtocol switch
        {
            WebPubSubClientProtocol.Default => ($"client/hubs/{Hub}", "default"),
            WebPubSubClientProtocol.Mqtt => ($"clients/mqtt/hubs/{Hub}", "mqtt"),
            WebPubSubClientProtocol.SocketIO => ($"clients/socketio/hubs/{Hub}", "socketio"),
            _ => throw new ArgumentOutOfRangeException(nameof(clientProtocol)),
        };
        var life = expiresAfter == default ? TimeSpan.FromHours(1) : expiresAfter;

        var token = _accessKey is null
            ? await RequestTokenAsync(life, userId, roles, groups, clientType, cancellationToken).ConfigureAwait(false)
            : AccessKeyToken.Sign(
                _accessKey,
                $"{Endpoint.AbsoluteUri.TrimEnd('/')}/{path}",
                DateTimeOffset.UtcNow + life,
                ("sub", userId),
                ("role", roles?.ToArray()),
                ("webpubsub.group", groups?.ToArray()));

        var scheme = Endpoint.Scheme == Uri.UriSchemeHttp ? Uri.UriSchemeWs : Uri.UriSchemeWss;
        return new Uri($"{new UriBuilder(Endpoint) { Scheme = scheme }.ToString().TrimEnd('/')}/{path}?access_token={token}");
    }

    private async Task<string> RequestTokenAsync(TimeSpan life, string? userId, IEnumerable<string>? roles, IEnumerable<string>? groups, string clientType, CancellationToken cancellationToken)
    {
        var context = new RequestContext { CancellationToken = cancellationToken };
        using var message = CreateMessage(context, Ok, ":generateToken");
        var uri = message.Request.Uri;
        if (userId is not null)
        {
            uri.AppendQuery("userId", userId, escapeValue: true);
        }

        foreach (var role in roles ?? [])
        {
            uri.AppendQuery("role", role, escapeValue: true);
        }

        foreach (var group in groups ?? [])
        {
            uri.AppendQuery("group", group, escapeValue: true);
        }

        uri.AppendQuery("minutesToExpire", Math.Max((int)life.TotalMinutes, 1).ToString(CultureInfo.InvariantCulture));
        uri.AppendQuery("clientType", clientType);
        var response = await SendAsync(message, context).ConfigureAwait(false);
        using var answer = JsonDocument.Parse(response.Content);
        return answer.RootElement.GetProperty("token").GetString()!;
    }

    private async Task<Page<WebPubSubGroupMember>> ListAsync(string group, int? pageSize, int? count, string? next, CancellationToken cancellationToken)
    {
        var context = new RequestContext { CancellationToken = cancellationToken };
        using var message = CreateMessage(context, Ok, $"groups/{Uri.EscapeDataString(group)}/connections", RequestMethod.Get);
        foreach (var (name, value) in new[] { ("maxpagesize", Text(pageSize)), ("top", Text(count)), ("continuationToken", next) })
        {
            if (value is not null)
            {
                message.Request.Uri.AppendQuery(name, value, escapeValue: true);
            }
        }

        var response = await SendAsync(message, context).ConfigureAwait(false);
        using var answer = JsonDocument.Parse(response.Content);
        var members = answer.RootElement.GetProperty("value").EnumerateArray().Select(member => new WebPubSubGroupMember(member.GetProperty("connectionId").GetString()!)
        {
            UserId = member.TryGetProperty("userId", out var user) ? user.GetString() : null,
        });
        var link = answer.RootElement.TryGetProperty("nextLink", out var found) ? found.GetString() : null;
        return Page<WebPubSubGroupMember>.FromValues([.. members], link is null ? null : HttpUtility.ParseQueryString(new Uri(link).Query)["continuationToken"], response);

        static string? Text(int? number) => number?.ToString(CultureInfo.InvariantCulture);
    }

    private HttpMessage CreateMessage(RequestContext? context, ResponseClassifier classifier, string escapedPath, RequestMethod? method = null)
    {
        var message = _pipeline.CreateMessage(context, classifier);
        message.Request.Method = method ?? RequestMethod.Post;
        message.Request.Uri.Reset(Endpoint);
        message.Request.Uri.AppendPath($"/api/hubs/{Uri.EscapeDataString(Hub)}/{escapedPath}", escape: false);
        message.Request.Uri.AppendQuery("api-version", ApiVersion);
        message.Request.Headers.Add(HttpHeader.Names.Accept, "application/json");
        return message;
    }

    private async Task<Response> SendAsync(HttpMessage message, RequestContext? context)
    {
        await _pipeline.SendAsync(message, context?.CancellationToken ?? default).ConfigureAwait(false);
        return message.Response.IsError && context?.ErrorOptions != ErrorOptions.NoThrow
            ? throw new RequestFailedException(message.Response)
            : message.Response;
    }

    private sealed class Options : ClientOptions;
}
