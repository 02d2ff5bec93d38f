using Cosmo.Local.Emulators.WebPubSub.Clients;

namespace Cosmo.Local.Emulators.WebPubSub.Rest;

/// <summary>The service's REST data plane below <c>/api/hubs/{hub}/</c>.</summary>
internal sealed class RestApi(AccessTokens tokens, EmulatorControl control, EmulatorStatistics statistics, TimeProvider time, Uri url)
{
    private const int Ok = StatusCodes.Status200OK;
    private const int Accepted = StatusCodes.Status202Accepted;
    private const int NoContent = StatusCodes.Status204NoContent;
    private const int NotFound = StatusCodes.Status404NotFound;

    /// <param name="context">The request.</param>
    /// <param name="rawPath">Its path as it came, which is what the token was made for.</param>
    /// <param name="hub">The hub.</param>
    /// <param name="path">What follows the hub, one decoded segment each.</param>
    public async Task HandleAsync(HttpContext context, string rawPath, Hub hub, string[] path)
    {
        var bearer = context.Request.Headers.Authorization.ToString();
        var token = await tokens.CheckAsync(bearer.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? bearer[7..] : null, rawPath);
        if (token.Token is null)
        {
            await context.Response.WriteUnauthorizedAsync(token.Error!);
            return;
        }

        if (path is ["groups", var group, ..] && !GroupName.IsValid(group))
        {
            await context.Response.WriteBadRequestAsync(GroupName.Rule);
            return;
        }

        var request = new RestRequest(context, hub);
        await (context.Request.Method switch
        {
            "POST" => PostAsync(request, path),
            "PUT" => PutAsync(request, path),
            "DELETE" => DeleteAsync(request, path),
            "HEAD" => HeadAsync(request, path),
            "GET" when path is ["groups", var name, "connections"] => ListAsync(request, rawPath, name),
            _ => NotEmulatedAsync(request),
        });
    }

    private Task PostAsync(RestRequest request, string[] path)
    {
        var hub = request.Hub;
        return path switch
        {
            [":send"] => SendAsync(request, () => hub.Connections),
            ["groups", var group, ":send"] => SendAsync(request, () => hub.MembersOf(group), group),
            ["users", var user, ":send"] => SendAsync(request, () => hub.ConnectionsOf(user)),
            ["connections", var id, ":send"] => SendAsync(request, () => Only(hub.Find(id))),
            [":closeConnections"] => CloseAsync(request, hub.Connections),
            ["groups", var group, ":closeConnections"] => CloseAsync(request, hub.MembersOf(group)),
            ["users", var user, ":closeConnections"] => CloseAsync(request, hub.ConnectionsOf(user)),
            [":generateToken"] => GenerateTokenAsync(request),
            [":addToGroups"] => ChangeFilteredAsync(request, hub.Join),
            [":removeFromGroups"] => ChangeFilteredAsync(request, hub.Leave),
            _ => NotEmulatedAsync(request),
        };
    }

    private static Task PutAsync(RestRequest request, string[] path)
    {
        var hub = request.Hub;
        return path switch
        {
            ["groups", var group, "connections", var id] => ChangeAsync(request, hub.Find(id), connection => hub.Join(connection, group), Ok),
            ["users", var user, "groups", var group] when GroupName.IsValid(group) => ChangeAllAsync(request, user, connection => hub.Join(connection, group), Ok),
            ["permissions", var permission and (Permissions.JoinLeaveGroup or Permissions.SendToGroup), "connections", var id] =>
                ChangeAsync(request, hub.Find(id), connection => connection.Permissions.Grant(permission, request.Value("targetName")), Ok),
            _ => NotEmulatedAsync(request),
        };
    }

    private static Task DeleteAsync(RestRequest request, string[] path)
    {
        var hub = request.Hub;
        return path switch
        {
            ["connections", var id] => CloseAsync(request, Only(hub.Find(id))),
            ["connections", var id, "groups"] => ChangeAsync(request, hub.Find(id), hub.LeaveAll, NoContent, missing: NoContent),
            ["groups", var group, "connections", var id] =>
                ChangeAsync(request, hub.Find(id), connection => hub.Leave(connection, group), NoContent, missing: NoContent),
            ["users", var user, "groups", var group] => ChangeAllAsync(request, user, connection => hub.Leave(connection, group), NoContent),
            ["users", var user, "groups"] => ChangeAllAsync(request, user, hub.LeaveAll, NoContent),
            ["permissions", var permission and (Permissions.JoinLeaveGroup or Permissions.SendToGroup), "connections", var id] =>
                ChangeAsync(request, hub.Find(id), connection => connection.Permissions.Revoke(permission, request.Value("targetName")), NoContent),
            _ => NotEmulatedAsync(request),
        };
    }

    private static Task HeadAsync(RestRequest request, string[] path)
    {
        var hub = request.Hub;
        bool? exists = path switch
        {
            ["connections", var id] => hub.Find(id) is not null,
            ["groups", var group] => hub.MembersOf(group).Any(),
            ["users", var user] => hub.ConnectionsOf(user).Any(),
            ["permissions", var permission, "connections", var id] => hub.Find(id)?.Permissions.Allows(permission, request.Value("targetName")) == true,
            _ => null,
        };
        return exists is { } answer ? request.AnswerAsync(answer ? Ok : NotFound) : NotEmulatedAsync(request);
    }

    /// <summary>The members of a group in the order of their ids; the last one of a page is where the next goes on.</summary>
    private Task ListAsync(RestRequest request, string rawPath, string group)
    {
        var size = Math.Clamp(Number("maxpagesize") ?? Limits.PageSize, 1, Limits.PageSize);
        var after = request.Value("continuationToken") ?? "";
        var top = Number("top");
        var members = request.Hub.MembersOf(group)
            .Select(connection => connection.Identity)
            .Where(identity => string.CompareOrdinal(identity.ConnectionId, after) > 0)
            .OrderBy(identity => identity.ConnectionId, StringComparer.Ordinal)
            .Take(top ?? int.MaxValue)
            .Take(size + 1)
            .ToList();
        var value = members.Take(size).Select(identity => new { connectionId = identity.ConnectionId, userId = identity.UserId }).ToList();
        var nextLink = members.Count > size
            ? $"{url.GetLeftPart(UriPartial.Authority)}{rawPath}?maxpagesize={size}{(top is null ? "" : $"&top={top - size}")}&continuationToken={value[^1].connectionId}"
            : null;
        return request.Context.Response.WriteAsJsonAsync(new { value, nextLink });

        int? Number(string name) => int.TryParse(request.Value(name), out var number) && number > 0 ? number : null;
    }

    /// <param name="request">The call.</param>
    /// <param name="receivers">Looked up after the delay that a fault may ask for.</param>
    /// <param name="group">The group; null if the message is for none.</param>
    private async Task SendAsync(RestRequest request, Func<IEnumerable<ClientConnection>> receivers, string? group = null)
    {
        var response = request.Context.Response;
        var faults = control.Faults;
        if (faults.DelayMs > 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(faults.DelayMs), time, request.Context.RequestAborted);
        }

        if (faults.Send is { } refusal && refusal.Applies())
        {
            statistics.SendRefused();
            await response.WriteErrorAsync(refusal.Status, "Fault", "The emulator was told to refuse sends.");
        }
        else if (await request.ReadContentAsync() is { } content)
        {
            var (excluded, filter) = (request.Excluded, FilterOf(request.Value("filter")));
            request.Hub.Send(
                receivers().Where(connection => !excluded.Contains(connection.Identity.ConnectionId) && filter?.Matches(request.Hub, connection) != false),
                new OutboundMessage(content, group) { Expires = request.Expires(time) });
            statistics.Sent();
            await request.AnswerAsync(Accepted);
        }
        else
        {
            await response.WriteBadRequestAsync("The body must be application/json, text/plain or application/octet-stream, and be what it says.");
        }
    }

    private static Task CloseAsync(RestRequest request, IEnumerable<ClientConnection> connections)
    {
        foreach (var connection in connections.Where(connection => !request.Excluded.Contains(connection.Identity.ConnectionId)).ToList())
        {
            request.Hub.End(connection, request.Reason ?? "The server closed the connection.");
        }

        return request.AnswerAsync(NoContent);
    }

    private Task GenerateTokenAsync(RestRequest request)
    {
        var minutes = int.TryParse(request.Value("minutesToExpire") ?? "60", out var number) ? number : 0;
        if (minutes < 1)
        {
            return request.Context.Response.WriteBadRequestAsync("minutesToExpire must be 1 or more.");
        }

        if (!"default".Equals(request.Value("clientType") ?? "default", StringComparison.OrdinalIgnoreCase))
        {
            return NotEmulatedAsync(request);
        }

        var audience = new Uri(url, $"/client/hubs/{request.Hub.Name}").AbsoluteUri;
        var token = tokens.Create(audience, TimeSpan.FromMinutes(minutes), request.Value("userId"), request.Values("role"), request.Values("group"));
        return request.Context.Response.WriteAsJsonAsync(new { token });
    }

    private static Task ChangeAsync(RestRequest request, ClientConnection? connection, Action<ClientConnection> change, int success, int missing = NotFound)
    {
        if (connection is null)
        {
            return missing == NotFound
                ? request.Context.Response.WriteErrorAsync(NotFound, "NotFound", "There is no such connection.")
                : request.AnswerAsync(missing);
        }

        change(connection);
        return request.AnswerAsync(success);
    }

    private static Task ChangeAllAsync(RestRequest request, string userId, Action<ClientConnection> change, int success)
    {
        foreach (var connection in request.Hub.ConnectionsOf(userId))
        {
            change(connection);
        }

        return request.AnswerAsync(success);
    }

    /// <summary>Puts the connections that a filter names into groups, or takes them out.</summary>
    private static async Task ChangeFilteredAsync(RestRequest request, Action<ClientConnection, string> change)
    {
        var body = await request.ReadGroupsAsync();
        var filter = FilterOf(body.Filter);
        foreach (var connection in request.Hub.Connections.Where(connection => filter?.Matches(request.Hub, connection) != false))
        {
            foreach (var group in body.Groups)
            {
                change(connection, group);
            }
        }

        await request.AnswerAsync(Ok);
    }

    /// <exception cref="BadHttpRequestException">The text is no filter.</exception>
    private static ConnectionFilter? FilterOf(string? text)
    {
        try
        {
            return text is null ? null : ConnectionFilter.Parse(text);
        }
        catch (FormatException error)
        {
            throw new BadHttpRequestException(error.Message, error);
        }
    }

    private static Task NotEmulatedAsync(RestRequest request) =>
        request.Context.Response.WriteErrorAsync(StatusCodes.Status501NotImplemented, "NotImplemented", "The emulator does not have this call.");

    private static ClientConnection[] Only(ClientConnection? connection) => connection is null ? [] : [connection];
}
