using System.Security.Cryptography;
using System.Text;

namespace Cosmo.Functions.Delivery;

/// <summary>
/// The Web PubSub group of a channel. It is the channel's own name wherever Web PubSub allows it (1 to 1,024 characters, not
/// only white space); no two channels share a group. A channel has a second group, for those who get of a text that grows only what is new.
/// </summary>
internal static class GroupName
{
    private const string EncodedPrefix = "cosmo-encoded.";
    private const string HashedPrefix = "cosmo-hashed.";
    private const string DeltaPrefix = "cosmo-delta.";
    private const int MaximumLength = 1024;

    public static string For(string channel)
    {
        if (IsUsable(channel))
        {
            return channel;
        }

        var encoded = EncodedPrefix + Convert.ToHexStringLower(Encoding.Unicode.GetBytes(channel));
        return encoded.Length <= MaximumLength ? encoded : Hashed(channel);
    }

    /// <summary>The second group of a channel, of those who get of a text that grows only what is new. No channel's name is in its group's way: none begins so.</summary>
    public static string ForDeltas(string channel)
    {
        var group = DeltaPrefix + For(channel);
        return group.Length <= MaximumLength ? group : DeltaPrefix + Hashed(channel);
    }

    private static string Hashed(string channel) => HashedPrefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.Unicode.GetBytes(channel)));

    private static bool IsUsable(string channel) =>
        channel.Length <= MaximumLength
        && !string.IsNullOrWhiteSpace(channel)
        && !channel.StartsWith("cosmo-", StringComparison.Ordinal)
        // As a segment of the REST call's path these would be resolved away, and the call would reach another group or the whole hub.
        && channel is not ("." or "..")
        && !channel.Any(char.IsControl)
        && IsWellFormed(channel);

    private static bool IsWellFormed(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                return false;
            }
        }

        return true;
    }
}
