using Cosmo.Functions.Access;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Tests.Access;

public class ConnectionIdentityTests
{
    [Fact]
    public void A_connection_keeps_its_channel_and_caller()
    {
        var until = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);
        var identity = new ConnectionIdentity("a/b ü", new Caller("ana@example.com", ["Auditor"]), SignedInUser.Backend, until);

        var read = ConnectionIdentity.FromUserId(identity.ToUserId())!;

        read.Channel.ShouldBe("a/b ü");
        read.User.Id.ShouldBe("ana@example.com");
        read.User.Roles.ShouldBe(["Auditor"]);
        (read.Issuer, read.Name, read.Until, read.User.IsTrustedProducer).ShouldBe(("backend", "backend:ana@example.com", until, false));
        (read.HasEnded(until - TimeSpan.FromSeconds(1)), read.HasEnded(until)).ShouldBe((false, true));
    }

    [Fact]
    public void A_connection_of_a_stranger_keeps_whence_it_comes()
    {
        var identity = new ConnectionIdentity("c1", Caller.Anonymous with { Source = "here" }, null, default);

        var read = ConnectionIdentity.FromUserId(identity.ToUserId())!;
        (read.User.Source, read.Name).ShouldBe(("here", null));
    }

    [Fact]
    public void A_user_id_fits_into_a_header() =>
        new ConnectionIdentity("会議\r\n", Caller.Anonymous, null, default).ToUserId().ShouldAllBe(character => char.IsAsciiLetterOrDigit(character) || character == '-' || character == '_' || character == '.');

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("ana")]
    [InlineData("%%%")]
    [InlineData("bnVsbA")]
    [InlineData("e30")]
    [InlineData("e30.YQ")]
    [InlineData("bnVsbA.YQ")]
    [InlineData("eyJyb2xlcyI6W119.Y")]
    [InlineData("eyJyb2xlcyI6W119.YQ.YQ")]
    public void A_user_id_from_elsewhere_is_nobody(string? userId) => ConnectionIdentity.FromUserId(userId).ShouldBeNull();

    [Fact]
    public void A_user_id_without_an_end_has_ended() =>
        ConnectionIdentity.FromUserId("eyJyb2xlcyI6W119.YQ")!.HasEnded(TimeProvider.System.GetUtcNow()).ShouldBeTrue();
}
