using System.Collections.Concurrent;
using System.Text;
using System.Text.RegularExpressions;

namespace Cosmo.Local.Emulators.WebPubSub.Clients;

/// <summary>What a connection may do to groups, from its roles and from what the REST API granted since.</summary>
internal sealed class Permissions
{
    public const string JoinLeaveGroup = "joinLeaveGroup";
    public const string SendToGroup = "sendToGroup";

    private const string RolePrefix = "webpubsub.";

    private const int MaxWildcards = 5;

    private readonly ConcurrentDictionary<string, bool> _granted = new(StringComparer.Ordinal);
    private readonly List<(string Permission, Regex Groups)> _patterns = [];

    public Permissions(IEnumerable<string> roles)
    {
        foreach (var role in roles.Where(role => role.StartsWith(RolePrefix, StringComparison.Ordinal)))
        {
            var right = role[RolePrefix.Length..];
            _granted[right] = true;
            foreach (var permission in (string[])[JoinLeaveGroup, SendToGroup])
            {
                if (right.StartsWith($"{permission}s.", StringComparison.Ordinal) && PatternOf(right[(permission.Length + 2)..]) is { } groups)
                {
                    _patterns.Add((permission, groups));
                }
            }
        }
    }

    /// <param name="permission">One of the two names above.</param>
    /// <param name="group">The group; null asks for all groups.</param>
    public bool Allows(string permission, string? group) =>
        _granted.ContainsKey(permission)
        || (group is not null && (_granted.ContainsKey(Name(permission, group)) || _patterns.Exists(pattern => pattern.Permission == permission && pattern.Groups.IsMatch(group))));

    public void Grant(string permission, string? group) => _granted[Name(permission, group)] = true;

    public void Revoke(string permission, string? group) => _granted.TryRemove(Name(permission, group), out _);

    /// <summary>
    /// A role's pattern of group names: ? is a character and * are any number of them, but no full stop; ** are any, \ takes the next one as it is. Null if it has
    /// more wildcards than the service takes.
    /// </summary>
    private static Regex? PatternOf(string pattern)
    {
        var (expression, wildcards) = (new StringBuilder("^"), 0);
        for (var at = 0; at < pattern.Length; at++)
        {
            var isDouble = pattern[at] == '*' && at + 1 < pattern.Length && pattern[at + 1] == '*';
            wildcards += pattern[at] == '*' ? 1 : 0;
            expression.Append(pattern[at] switch
            {
                '?' => "[^.]",
                '*' when isDouble => "[\\s\\S]*",
                '*' => "[^.]*",
                '\\' when at + 1 < pattern.Length => Regex.Escape(pattern[++at].ToString()),
                var other => Regex.Escape(other.ToString()),
            });
            at += isDouble ? 1 : 0;
        }

        return wildcards > MaxWildcards ? null : new Regex(expression.Append("\\z").ToString(), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
    }

    private static string Name(string permission, string? group) => group is null ? permission : $"{permission}.{group}";
}
