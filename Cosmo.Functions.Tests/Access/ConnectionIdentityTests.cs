using System.Text;
using Cosmo.Functions.Access;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Tests.Access;

public class ConnectionIdentityTests
{
    [Fact]
    public void A_connection_keeps_its_channel_and_caller()
    {
        var identity = new ConnectionIdentity("a/b ü", new Caller("ana@example.com", ["Auditor"]));

        var read = ConnectionIdentity.FromUserId(identity.ToUserId())!;

        read.Channel.ShouldBe("a/b ü");
        read.Caller.Id.ShouldBe("ana@example.com");
        read.Caller.Roles.ShouldBe(["Auditor"]);
    }

    [Fact]
    public void A_user_id_fits_into_a_header() =>
        new ConnectionIdentity("会議\r\n", Caller.Anonymous).ToUserId().ShouldAllBe(character => char.IsAsciiLetterOrDigit(character) || character == '-' || character == '_');

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("ana")]
    [InlineData("%%%")]
    [InlineData("bnVsbA")]
    [InlineData("e30")]
    public void A_user_id_from_elsewhere_is_nobody(string? userId) => ConnectionIdentity.FromUserId(userId).ShouldBeNull();

    [Fact]
    public void A_user_id_without_a_caller_is_nobody() =>
        ConnectionIdentity.FromUserId(Convert.ToBase64String(Encoding.UTF8.GetBytes("""{"channel":"x"}""")).TrimEnd('=')).ShouldBeNull();
}
