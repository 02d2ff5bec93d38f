namespace Cosmo.Functions.Hosting;

/// <summary>Names of keys that more than one room knows.</summary>
internal static class RedisKeys
{
    /// <summary>The thread id of a channel, a plain string (wire contract, section 3).</summary>
    public static string Thread(string prefix, string channel) => $"{prefix}thread:{channel}";

    /// <summary>
    /// A key that scripts touch together with others of the channel, so that they share a hash slot of a clustered Redis:
    /// <c>{prefix}{kind}:{channel}</c> where the channel stands in literal braces and is the hash tag.
    /// Braces and percent signs in the channel are percent-encoded: the first closing brace ends the tag.
    /// </summary>
    public static string ForChannel(string prefix, string kind, string channel) =>
        $"{prefix}{kind}:{{{channel.Replace("%", "%25").Replace("{", "%7B").Replace("}", "%7D")}}}";
}
