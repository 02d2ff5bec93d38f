using System.Text;
using Cosmo.Functions.Access;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Access;

public class PlatformIdentityTests
{
    private const string Claims = """
        {"claims": [
          {"typ": "roles", "val": "auditor"},
          {"typ": "http://schemas.microsoft.com/ws/2008/06/identity/claims/role", "val": "boss"},
          {"typ": "name", "val": "Ana"},
          {"typ": "cosmo_channels", "val": "team-*"}]}
        """;

    [Fact]
    public void The_headers_say_who_the_user_is_with_which_roles_and_channels()
    {
        var user = Read("True", "u-1", Encode(Claims))!;

        (user.Name, string.Join(' ', user.Caller.Roles), string.Join(' ', user.Channels), user.Until).ShouldBe(("platform:u-1", "auditor boss", "team-*", null));
    }

    [Theory]
    [InlineData(null, "u-1", Claims)]
    [InlineData("False", "u-1", Claims)]
    [InlineData("yes", "u-1", Claims)]
    [InlineData("True", "", Claims)]
    [InlineData("True", " ", Claims)]
    [InlineData("True", "u-1", "")]
    [InlineData("True", "u-1", "text")]
    [InlineData("True", "u-1", "{}")]
    [InlineData("True", "u-1", """{"claims": 7}""")]
    [InlineData("True", "u-1", """{"claims": [{"val": "auditor"}]}""")]
    [InlineData("True", "u-1", """{"claims": [{"typ": "roles"}]}""")]
    [InlineData("True", "u-1", """{"claims": [{"typ": 7, "val": "auditor"}]}""")]
    public void Nobody_is_believed_elsewhere_or_whose_headers_are_not_whole(string? platform, string id, string principal) => Read(platform, id, Encode(principal)).ShouldBeNull();

    [Theory]
    [InlineData(512, true)]
    [InlineData(513, false)]
    public void An_id_has_512_characters_at_most(int length, bool isTaken) => (Read("True", new string('u', length), Encode(Claims)) is not null).ShouldBe(isTaken);

    [Fact]
    public void What_is_no_Base64_is_nobody() => Read("True", "u-1", "{}").ShouldBeNull();

    private static string Encode(string principal) => Convert.ToBase64String(Encoding.UTF8.GetBytes(principal));

    private static SignedInUser? Read(string? platform, string id, string principal)
    {
        var (configuration, request) = (new ConfigurationManager(), new DefaultHttpContext().Request);
        configuration["WEBSITE_AUTH_ENABLED"] = platform;
        (request.Headers["X-MS-CLIENT-PRINCIPAL-ID"], request.Headers["X-MS-CLIENT-PRINCIPAL"]) = (id, principal);
        return new PlatformIdentity(configuration, Options.Create(new AccessOptions())).Of(request);
    }
}
