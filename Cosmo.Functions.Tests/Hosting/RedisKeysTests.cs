using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Tests.Hosting;

public sealed class RedisKeysTests
{
    /// <summary>A clustered Redis looks at what stands between the first brace and the next closing one, and at the whole key where that is nothing.</summary>
    [Theory]
    [InlineData("c1")]
    [InlineData("}")]
    [InlineData("}c1")]
    [InlineData("{}")]
    [InlineData("a{b}c")]
    [InlineData("%7D")]
    public void The_keys_of_a_channel_share_a_hash_slot_whatever_its_name_is(string channel)
    {
        TagOf(RedisKeys.ForChannel("cosmo:", "turns", channel)).ShouldNotBeEmpty();
        TagOf(RedisKeys.ForChannel("cosmo:", "turns", channel)).ShouldBe(TagOf(RedisKeys.ForChannel("cosmo:", "fence", channel) + ":1:m}1"));
    }

    private static string TagOf(string key) => key.Split('{', 2)[1].Split('}', 2)[0];
}
