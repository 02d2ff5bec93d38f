using System.Text;
using Cosmo.Functions.Access;
using Microsoft.IdentityModel.Tokens;

namespace Cosmo.Functions.Tests.Access;

/// <summary>Tokens of an identity provider, with real keys over HTTP.</summary>
public sealed class BearerIdentityTests : IAsyncLifetime
{
    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _time = new();
    private TestAuthority _authority = null!;
    private AccessSetup _access = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _authority = await TestAuthority.StartAsync();
        _access = new AccessSetup(_redis.Connection, _time, _authority.Options);
    }

    public async ValueTask DisposeAsync()
    {
        _access.Dispose();
        await _authority.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task A_token_says_who_the_user_is_with_which_roles_and_channels_and_until_when()
    {
        var token = _authority.Sign(_authority.AddRsa("1"), "ana", 10, claims: [("roles", new[] { "auditor", "boss" }), ("cosmo_channels", new[] { "team-*", "c1" })]);

        var (user, fault) = await ReadAsync(token);

        fault.ShouldBeNull();
        (user!.Name, string.Join(',', user.Caller.Roles), string.Join(',', user.Channels)).ShouldBe(($"{_authority.Issuer}:ana", "auditor,boss", "team-*,c1"));
        (user.Until!.Value - TimeProvider.System.GetUtcNow()).ShouldBeInRange(TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(11));
    }

    [Fact]
    public async Task A_claim_that_is_one_text_is_one_value()
    {
        var token = _authority.Sign(_authority.AddEc("1"), claims: [("roles", "auditor")]);

        (await ReadAsync(token)).User!.Caller.Roles.ShouldBe(["auditor"]);
    }

    [Fact]
    public async Task Settings_name_the_claims()
    {
        (_access.Options.UserClaim, _access.Options.RolesClaim, _access.Options.ChannelsClaim) = ("oid", "groups", "rooms");

        var (user, _) = await ReadAsync(_authority.Sign(_authority.AddRsa("1"), "ana", claims: [("oid", "u-7"), ("groups", "boss"), ("rooms", "c1")]));

        (user!.Caller.Id, user.Caller.Roles.Single(), user.Channels.Single()).ShouldBe(("u-7", "boss", "c1"));
    }

    [Theory]
    [InlineData(-0.5, -10, true)]
    [InlineData(-1.5, -10, false)]
    [InlineData(10, 0.5, true)]
    [InlineData(10, 1.5, false)]
    public async Task Clocks_may_differ_by_a_minute(double minutes, double begins, bool isValid) =>
        ((await ReadAsync(_authority.Sign(_authority.AddRsa("1"), minutes: minutes, begins: begins))).User is not null).ShouldBe(isValid);

    [Fact]
    public async Task What_is_not_made_out_for_Cosmo_by_the_provider_is_nobodys()
    {
        var key = _authority.AddRsa("1");
        using var stranger = System.Security.Cryptography.RSA.Create(2048);
        var forged = new SigningCredentials(new RsaSecurityKey(stranger) { KeyId = "1" }, SecurityAlgorithms.RsaSha256);
        var secret = new SigningCredentials(new SymmetricSecurityKey(_authority.PublishedSecret("1")) { KeyId = "1" }, SecurityAlgorithms.HmacSha256);
        var tokens = new Dictionary<string, string>
        {
            ["another audience"] = _authority.Sign(key, audience: "api://other"),
            ["another issuer"] = _authority.Sign(key, issuer: "https://other.example.com"),
            ["ended"] = _authority.Sign(key, minutes: -5),
            ["without end"] = _authority.Sign(key, minutes: double.NaN),
            ["not signed"] = _authority.Sign(null),
            ["another's key under the same id"] = _authority.Sign(forged),
            ["the public key as a secret"] = _authority.Sign(secret),
            ["no user"] = _authority.Sign(key, user: null),
            ["an empty user"] = _authority.Sign(key, user: " "),
            ["a user that is too long"] = _authority.Sign(key, user: new string('a', 513)),
            ["no token"] = "hello",
            ["nothing"] = "",
            ["changed"] = Change(_authority.Sign(key, "eve")),
        };

        foreach (var (what, token) in tokens)
        {
            var (user, fault) = await ReadAsync(token);
            (user, fault?.Length > 0).ShouldBe((null, true), what);
        }
    }

    [Fact]
    public async Task A_new_key_is_fetched_when_a_token_is_signed_with_it_and_an_old_one_ends_with_that()
    {
        var old = _authority.AddRsa("1");
        (await ReadAsync(_authority.Sign(old))).User.ShouldNotBeNull();
        _time.Advance(TimeSpan.FromMinutes(1));
        _authority.Withdraw("1");
        var next = _authority.AddEc("2");

        (await ReadAsync(_authority.Sign(old))).User.ShouldNotBeNull();
        (await ReadAsync(_authority.Sign(next))).User.ShouldNotBeNull();
        (await ReadAsync(_authority.Sign(old))).User.ShouldBeNull();
        _authority.Fetches.ShouldBe(2);
    }

    [Fact]
    public async Task Keys_that_nobody_knows_do_not_have_the_provider_asked_each_time()
    {
        _authority.AddRsa("1");
        using var stranger = System.Security.Cryptography.RSA.Create(2048);
        var unknown = new SigningCredentials(new RsaSecurityKey(stranger) { KeyId = "x" }, SecurityAlgorithms.RsaSha256);

        for (var i = 0; i < 10; i++)
        {
            (await ReadAsync(_authority.Sign(unknown))).User.ShouldBeNull();
        }

        _authority.Fetches.ShouldBe(1);
        _time.Advance(TimeSpan.FromSeconds(31));
        await ReadAsync(_authority.Sign(unknown));
        _authority.Fetches.ShouldBe(2);
    }

    [Fact]
    public async Task Many_at_once_have_it_asked_once()
    {
        var token = _authority.Sign(_authority.AddRsa("1"));

        (await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => ReadAsync(token)))).ShouldAllBe(read => read.User != null);

        _authority.Fetches.ShouldBe(1);
    }

    [Fact]
    public async Task A_provider_that_is_away_is_no_fault_of_the_token_and_costs_nothing_while_its_keys_are_known()
    {
        var token = _authority.Sign(_authority.AddRsa("1"));
        _authority.IsAway = true;
        await Should.ThrowAsync<AuthorityAwayException>(() => ReadAsync(token));

        _authority.IsAway = false;
        await Should.ThrowAsync<AuthorityAwayException>(() => ReadAsync(token));
        _time.Advance(TimeSpan.FromSeconds(3));
        (await ReadAsync(token)).User.ShouldNotBeNull();

        _authority.IsAway = true;
        _time.Advance(TimeSpan.FromHours(13));
        (await ReadAsync(token)).User.ShouldNotBeNull();
    }

    [Fact]
    public async Task A_provider_that_publishes_no_keys_is_none()
    {
        await Should.ThrowAsync<AuthorityAwayException>(() => ReadAsync("hello"));

        var token = _authority.Sign(_authority.AddRsa("1"));
        await Should.ThrowAsync<AuthorityAwayException>(() => ReadAsync(token));
        _time.Advance(TimeSpan.FromSeconds(2));

        (await ReadAsync(token)).User.ShouldNotBeNull();
    }

    [Fact]
    public async Task Who_gives_up_while_the_keys_are_fetched_costs_the_next_no_pause()
    {
        var token = _authority.Sign(_authority.AddRsa("1"));
        using var giveUp = new CancellationTokenSource();
        giveUp.Cancel();
        await Should.ThrowAsync<OperationCanceledException>(() => _access.Bearer.ReadAsync(token, giveUp.Token));

        (await ReadAsync(token)).User.ShouldNotBeNull();
    }

    [Fact]
    public async Task Keys_are_fetched_again_after_half_a_day()
    {
        var token = _authority.Sign(_authority.AddRsa("1"));
        await ReadAsync(token);
        _time.Advance(TimeSpan.FromHours(12) - TimeSpan.FromSeconds(1));
        await ReadAsync(token);
        _authority.Fetches.ShouldBe(1);

        _time.Advance(TimeSpan.FromSeconds(1));
        await ReadAsync(token);
        await ReadAsync(token);
        _authority.Fetches.ShouldBe(2);
    }

    [Fact]
    public async Task Why_a_token_does_not_do_is_said()
    {
        var key = _authority.AddRsa("1");

        (await ReadAsync(_authority.Sign(key, begins: 5))).Fault.ShouldBe("It is not valid yet.");
        (await ReadAsync(_authority.Sign(key, user: null))).Fault.ShouldBe("It names no user in its claim 'sub'.");
        (await ReadAsync(_authority.Sign(key, user: new string('a', 512)))).User!.Caller.Id!.Length.ShouldBe(512);
    }

    [Theory]
    [InlineData("Bearer  abc ", "abc")]
    [InlineData("bearer abc", "abc")]
    [InlineData("Basic abc", null)]
    [InlineData("Bearerabc", null)]
    [InlineData("", null)]
    public void The_token_of_a_request_stands_in_its_header(string header, string? token)
    {
        var request = new Microsoft.AspNetCore.Http.DefaultHttpContext().Request;
        request.Headers.Authorization = header;

        BearerIdentity.SentWith(request).ShouldBe(token);
        _access.Bearer.TokenOf(request).ShouldBe(token);
        BackendTokens.TokenOf(request).ShouldBeNull();
    }

    private Task<(SignedInUser? User, string? Fault)> ReadAsync(string token) => _access.Bearer.ReadAsync(token, Cancellation);

    /// <summary>The same signature under another user.</summary>
    private static string Change(string token)
    {
        var parts = token.Split('.');
        var payload = Encoding.UTF8.GetString(Base64UrlEncoder.DecodeBytes(parts[1])).Replace("\"eve\"", "\"ana\"");
        return $"{parts[0]}.{Base64UrlEncoder.Encode(payload)}.{parts[2]}";
    }
}
