using System.Text;
using Cosmo.Functions.Access;
using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.Tokens;

namespace Cosmo.Functions.Tests.Access;

/// <summary>Tokens of Web PubSub's identity, with real keys over HTTP.</summary>
public sealed class EventIdentityTests : IAsyncLifetime
{
    private const string Audience = "api://tenant/cosmo-events";
    private const string Identity = "6f1c0c4e-0000-0000-0000-00000000000a";

    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _time = new();
    private TestAuthority _authority = null!;
    private AccessSetup _access = null!;
    private SigningCredentials _key = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _authority = await TestAuthority.StartAsync();
        _key = _authority.AddRsa("1");
        _access = new AccessSetup(_redis.Connection, _time, events: new EventOptions { Authority = _authority.Url, Audience = Audience, Identity = Identity });
    }

    public async ValueTask DisposeAsync()
    {
        _access.Dispose();
        await _authority.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Theory]
    [InlineData("oid", Identity)]
    [InlineData("appid", Identity)]
    [InlineData("azp", "6F1C0C4E-0000-0000-0000-00000000000A")]
    public async Task The_tokens_of_the_identity_prove_it_and_its_keys_are_fetched_once(string claim, string identity)
    {
        (await RefuseAsync(Sign(claims: (claim, identity)))).ShouldBeNull();
        (await RefuseAsync(Sign(claims: (claim, identity)))).ShouldBeNull();

        _authority.Fetches.ShouldBe(1);
    }

    [Theory]
    [InlineData("oid", "6f1c0c4e-0000-0000-0000-00000000000b")]
    [InlineData("sub", Identity)]
    [InlineData("roles", Identity)]
    public async Task Another_identity_of_the_same_tenant_proves_nothing(string claim, string identity) =>
        (await RefuseAsync(Sign(claims: (claim, identity)))).ShouldBe("It is of another identity.");

    [Fact]
    public async Task A_token_for_another_audience_of_another_issuer_or_that_has_ended_proves_nothing()
    {
        (await RefuseAsync(Sign(audience: "https://management.azure.com"))).ShouldBe("It is made out for another audience.");
        (await RefuseAsync(Sign(issuer: "https://sts.windows.net/other/"))).ShouldBe("It is of another issuer.");
        (await RefuseAsync(Sign(minutes: -2))).ShouldBe("It has ended.");
        (await RefuseAsync(Sign(minutes: double.NaN))).ShouldBe("It has no end.");
    }

    [Fact]
    public async Task A_token_that_nobody_signed_or_that_another_key_or_the_public_key_as_a_secret_signed_proves_nothing()
    {
        var stranger = _authority.AddRsa("2");
        _authority.Withdraw("2");
        var secret = new SigningCredentials(new SymmetricSecurityKey(_authority.PublishedSecret("1")) { KeyId = "1" }, SecurityAlgorithms.HmacSha256);
        var signed = Sign().Split('.');
        var none = Base64UrlEncoder.Encode(Encoding.UTF8.GetBytes("""{"alg":"none","typ":"JWT"}"""));

        (await RefuseAsync(Sign(key: stranger))).ShouldBe("It is not signed with a key of the identity provider.");
        (await RefuseAsync(Sign(key: secret))).ShouldBe("It is not signed with a key of the identity provider.");
        (await RefuseAsync($"{none}.{signed[1]}.")).ShouldBe("It is not signed with a key of the identity provider.");
        (await RefuseAsync($"{signed[0]}.{signed[1]}.")).ShouldNotBeNull();
        (await RefuseAsync("no token")).ShouldBe("It is no JSON Web Token of the identity provider.");
        (await RefuseAsync(null)).ShouldBe("It has no token.");
    }

    [Fact]
    public async Task A_key_that_is_new_is_fetched_and_a_provider_that_is_away_proves_nothing()
    {
        (await RefuseAsync(Sign())).ShouldBeNull();
        var newer = _authority.AddRsa("2");
        _time.Advance(TimeSpan.FromMinutes(1));
        (await RefuseAsync(Sign(key: newer))).ShouldBeNull();

        using var another = new AccessSetup(_redis.Connection, _time, events: new EventOptions { Authority = _authority.Url, Audience = Audience, Identity = Identity });
        _authority.IsAway = true;
        await Should.ThrowAsync<AuthorityAwayException>(another.Proof.RefuseAsync(Request(Sign()), Cancellation));
        (await RefuseAsync(Sign())).ShouldBeNull();
    }

    [Fact]
    public async Task Where_no_tokens_are_expected_none_proves_anything()
    {
        using var without = new AccessSetup(_redis.Connection, _time);

        without.Proof.IsExpected.ShouldBeFalse();
        (await without.Proof.RefuseAsync(Request(Sign()), Cancellation)).ShouldBe("No tokens are expected.");
    }

    [Theory]
    [InlineData("https://login.microsoftonline.com/t", "api://a", null)]
    [InlineData(null, "api://a", Identity)]
    [InlineData("http://login.example.com", "api://a", Identity)]
    public void Settings_that_are_not_whole_stop_the_start(string? authority, string? audience, string? identity) =>
        new EventOptions { Authority = authority is null ? null : new Uri(authority), Audience = audience, Identity = identity }.Validate(null!).ShouldHaveSingleItem()
            .ErrorMessage!.ShouldContain("Cosmo:Access:Events:Authority");

    [Theory]
    [InlineData(null, null, null)]
    [InlineData(null, "", " ")]
    [InlineData("https://login.microsoftonline.com/t", "api://a", Identity)]
    public void Others_do(string? authority, string? audience, string? identity) =>
        new EventOptions { Authority = authority is null ? null : new Uri(authority), Audience = audience, Identity = identity }.Validate(null!).ShouldBeEmpty();

    private string Sign(SigningCredentials? key = null, string audience = Audience, string? issuer = null, double minutes = 10, (string, object)? claims = null) =>
        _authority.Sign(key ?? _key, user: null, minutes, audience: audience, issuer: issuer, claims: claims ?? ("oid", Identity));

    private Task<string?> RefuseAsync(string? token) => _access.Proof.RefuseAsync(Request(token), Cancellation);

    private static HttpRequest Request(string? token)
    {
        var request = new DefaultHttpContext().Request;
        request.Headers.Authorization = token is null ? "" : $"Bearer {token}";
        return request;
    }
}
