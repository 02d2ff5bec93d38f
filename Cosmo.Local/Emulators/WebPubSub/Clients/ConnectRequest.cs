namespace Cosmo.Local.Emulators.WebPubSub.Clients;

/// <summary>The body of the connect event.</summary>
internal sealed record ConnectRequest(
    Dictionary<string, string[]> Claims, Dictionary<string, string[]> Query, Dictionary<string, string[]> Headers, IReadOnlyList<string> Subprotocols)
{
    /// <summary>Always empty: there is no TLS here.</summary>
    public string[] ClientCertificates { get; } = [];

    public static ConnectRequest From(HttpRequest request, TokenCheck token, IReadOnlyList<string> subprotocols) => new(
        token.Token!.Claims.GroupBy(claim => claim.Type).ToDictionary(claims => claims.Key, claims => claims.Select(claim => claim.Value).ToArray()),
        request.Query.Where(pair => pair.Key != "access_token").ToDictionary(pair => pair.Key, pair => pair.Value.OfType<string>().ToArray()),
        request.Headers.ToDictionary(pair => pair.Key, pair => pair.Value.OfType<string>().ToArray()),
        subprotocols);
}

/// <summary>What the handler answers to it. Everything is optional.</summary>
internal sealed record ConnectAnswer
{
    public static ConnectAnswer Accepted { get; } = new();

    public string? UserId { get; init; }

    public string[]? Groups { get; init; }

    public string[]? Roles { get; init; }

    public string? Subprotocol { get; init; }

    /// <summary>The state to give back with each later event; comes as a header.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public string? State { get; init; }

    /// <summary>The status with which the client is refused; null if it is let in.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public int? Status { get; init; }

    /// <summary>The text that goes with it.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public string? Refusal { get; init; }
}
