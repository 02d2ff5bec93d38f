using Cosmo.Local.Emulators.WebPubSub.Clients;

namespace Cosmo.Local.Emulators.WebPubSub.Rest;

/// <summary>
/// Which connections a call is about: the service's subset of OData's filter expressions over <c>userId</c>, <c>connectionId</c> and <c>groups</c>.
/// Strings are compared by their code units.
/// </summary>
internal sealed class ConnectionFilter
{
    private readonly FilterTerm _term;

    private ConnectionFilter(FilterTerm term) => _term = term;

    /// <exception cref="FormatException">The text is no such expression; the message says what is wrong, and where.</exception>
    public static ConnectionFilter Parse(string text) => new(new FilterParser(text).Parse());

    public bool Matches(Hub hub, ClientConnection connection) =>
        Matches(new FilterRow(connection.Identity.UserId, connection.Identity.ConnectionId, group => hub.IsMember(connection, group)));

    public bool Matches(FilterRow row) => _term.Value(row) is true;
}

/// <summary>What an expression can ask of a connection.</summary>
internal sealed record FilterRow(string? UserId, string ConnectionId, Func<string, bool> IsIn);

/// <summary>A part of an expression: what it gives, and how. Each value but a truth may be null.</summary>
internal sealed record FilterTerm(FilterType Type, Func<FilterRow, object?> Value);

internal enum FilterType
{
    Text,
    Number,
    Truth,
    Nothing,
    Groups,
}
