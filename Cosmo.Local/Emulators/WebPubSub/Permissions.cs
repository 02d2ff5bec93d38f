using System.Collections.Concurrent;

namespace Cosmo.Local.Emulators.WebPubSub;

/// <summary>What a connection may do to groups, from its roles and from what the REST API granted since.</summary>
internal sealed class Permissions
{
    public const string JoinLeaveGroup = "joinLeaveGroup";
    public const string SendToGroup = "sendToGroup";

    private const string RolePrefix = "webpubsub.";

    private readonly ConcurrentDictionary<string, bool> _granted = new(StringComparer.Ordinal);

    public Permissions(IEnumerable<string> roles)
    {
        foreach (var role in roles.Where(role => role.StartsWith(RolePrefix, StringComparison.Ordinal)))
        {
            _granted[role[RolePrefix.Length..]] = true;
        }
    }

    /// <param name="permission">One of the two names above.</param>
    /// <param name="group">The group; null asks for all groups.</param>
    public bool Allows(string permission, string? group) =>
        _granted.ContainsKey(permission) || (group is not null && _granted.ContainsKey(Name(permission, group)));

    public void Grant(string permission, string? group) => _granted[Name(permission, group)] = true;

    public void Revoke(string permission, string? group) => _granted.TryRemove(Name(permission, group), out _);

    private static string Name(string permission, string? group) => group is null ? permission : $"{permission}.{group}";
}
