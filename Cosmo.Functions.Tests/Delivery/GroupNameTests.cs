using Cosmo.Functions.Delivery;

namespace Cosmo.Functions.Tests.Delivery;

public class GroupNameTests
{
    [Theory]
    [InlineData("user_session_abc123")]
    [InlineData("3f0c8a52-61a7-4b7e-9c55-0a6f1b6f9c11")]
    [InlineData("documents/2026/Q3 report.pdf")]
    [InlineData("Größe %2F & 会議")]
    [InlineData("...")]
    [InlineData("\ud83d\ude00 a \ud83d\ude00\ud83d\ude00")]
    public void A_channel_that_Web_PubSub_allows_is_its_own_group(string channel) => GroupName.For(channel).ShouldBe(channel);

    [Theory]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("   ")]
    [InlineData("line\nbreak")]
    [InlineData("cosmo-encoded.2e00")]
    [InlineData("cosmo-hashed.00")]
    public void A_channel_that_Web_PubSub_does_not_allow_is_encoded(string channel)
    {
        var group = GroupName.For(channel);

        group.ShouldStartWith("cosmo-");
        group.ShouldNotBe(channel);
        group.Length.ShouldBeLessThanOrEqualTo(1024);
    }

    // Not inline data: an attribute cannot hold half a surrogate pair.
    [Fact]
    public void A_channel_with_half_a_surrogate_pair_is_encoded()
    {
        foreach (var channel in (string[])["half \ud83d", "\ud83d half", "\ude00 half", "\ud83d\ud83d\ude00", "\ud83d\ude00\ude00"])
        {
            GroupName.For(channel).ShouldBe("cosmo-encoded." + Convert.ToHexStringLower(System.Text.Encoding.Unicode.GetBytes(channel)));
        }
    }

    [Theory]
    [InlineData('x', 1024, "xxx")]
    [InlineData('x', 1025, "cosmo-hashed.")]
    [InlineData('\t', 252, "cosmo-encoded.")]
    [InlineData('\t', 253, "cosmo-hashed.")]
    [InlineData('\t', 0, "cosmo-encoded.")]
    public void As_long_a_group_as_may_be_names_its_channel(char of, int length, string beginning) => GroupName.For(new string(of, length)).ShouldStartWith(beginning);

    [Theory]
    [InlineData(1012, "cosmo-delta.xxx")]
    [InlineData(1013, "cosmo-delta.cosmo-hashed.")]
    public void So_does_that_for_what_is_new_alone(int length, string beginning) => GroupName.ForDeltas(new string('x', length)).ShouldStartWith(beginning);

    [Fact]
    public void No_channel_s_group_is_one_of_those_for_what_is_new_alone()
    {
        string[] channels = ["c1", "cosmo-delta.c1", GroupName.ForDeltas("c1"), GroupName.ForDeltas("cosmo-delta.c1"), ".", new('x', 1013), new('x', 1024), new('\t', 252), new('\t', 600)];

        string[] groups = [.. channels.Select(GroupName.For), .. channels.Distinct().Select(GroupName.ForDeltas)];
        groups.Distinct().Count().ShouldBe(2 * channels.Distinct().Count());
        groups.ShouldAllBe(group => group.Length <= 1024);
        GroupName.ForDeltas("c1").ShouldBe("cosmo-delta.c1");
    }

    [Fact]
    public void No_two_channels_share_a_group()
    {
        string[] channels = [".", "..", " ", "  ", "\t", GroupName.For("."), GroupName.For(GroupName.For(".")), new('x', 1025), new('x', 1026), new('\t', 600), new('\t', 601)];

        channels.Select(GroupName.For).ShouldBeUnique();
    }
}
