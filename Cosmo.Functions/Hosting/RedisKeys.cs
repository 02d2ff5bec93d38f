namespace Cosmo.Functions.Hosting;

/// <summary>Names of keys that one script touches together, so that they share a hash slot of a clustered Redis.</summary>
internal static class RedisKeys
{
    /// <summary>
    /// <c>{prefix}{kind}:{channel}</c> where the channel stands in literal braces and is the hash tag.
    /// Braces and percent signs in the channel are percent-encoded: the first closing brace ends the tag.
    /// </summary>
    public static string ForChannel(string prefix, string kind, string channel) =>
        $"{prefix}{kind}:{{{channel.Replace("%", "%25").Replace("{", "%7B").Replace("}", "%7D")}}}";
}
