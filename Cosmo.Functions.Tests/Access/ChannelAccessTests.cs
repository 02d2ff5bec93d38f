using System.Security.Cryptography;
using System.Text;
using Cosmo.Functions.Access;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.EndToEnd;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.IdentityModel.Tokens;

namespace Cosmo.Functions.Tests.Access;

public sealed class ChannelAccessTests : IAsyncLifetime
{
    private readonly TestRedis _redis = new();
    private readonly DefaultHttpContext _http = new();
    private readonly List<AccessSetup> _setups = [];
    private TestAuthority _authority = null!;
    private SigningCredentials _key = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _authority = await TestAuthority.StartAsync();
        _key = _authority.AddRsa("1");
    }

    public async ValueTask DisposeAsync()
    {
        _setups.ForEach(setup => setup.Dispose());
        await _authority.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Theory]
    [InlineData("team-1", true)]
    [InlineData("team-", true)]
    [InlineData("team", false)]
    [InlineData("Team-1", false)]
    [InlineData("c1", true)]
    [InlineData("c11", false)]
    [InlineData("*", false)]
    public async Task A_claim_lists_names_and_prefixes(string channel, bool isListed)
    {
        var access = Create("claim").Channels;
        SignIn(_authority.Sign(_key, claims: [("cosmo_channels", new[] { "team-*", "c1" })]));

        (await access.RefuseAsync(_http.Request, channel, Cancellation) is null).ShouldBe(isListed);
        ((await access.AdmitAsync(_http.Request, channel, Cancellation)).Refusal is null).ShouldBe(isListed);
    }

    [Fact]
    public async Task A_claim_of_one_text_is_one_channel_and_none_is_none()
    {
        var access = Create("claim").Channels;
        SignIn(_authority.Sign(_key, claims: [("cosmo_channels", "a b")]));
        (await access.RefuseAsync(_http.Request, "a b", Cancellation)).ShouldBeNull();

        SignIn(_authority.Sign(_key));
        StatusOf(await access.RefuseAsync(_http.Request, "a b", Cancellation)).ShouldBe(403);
    }

    [Theory]
    [InlineData("owner")]
    [InlineData("claim")]
    public async Task Who_is_not_signed_in_is_told_how(string mode)
    {
        var access = Create(mode).Channels;

        StatusOf(await access.RefuseAsync(_http.Request, "c1", Cancellation)).ShouldBe(401);
        _http.Response.Headers.WWWAuthenticate.ToString().ShouldBe("Bearer");
        SignIn(_authority.Sign(_key, minutes: -5));
        StatusOf((await access.AdmitAsync(_http.Request, "c1", Cancellation)).Refusal).ShouldBe(401);
        _http.Response.Headers.WWWAuthenticate.ToString().ShouldBe("Bearer error=\"invalid_token\", error_description=\"It has ended.\"");
    }

    [Fact]
    public async Task Where_all_is_open_nobody_is_asked_but_a_bad_token_is_told_to_who_wants_an_address()
    {
        var access = Create("open").Channels;
        (await access.AdmitAsync(_http.Request, "c1", Cancellation)).ShouldBe(new Admission(null, null, null));
        SignIn("nonsense");

        (await access.RefuseAsync(_http.Request, "c1", Cancellation)).ShouldBeNull();
        _authority.Fetches.ShouldBe(0);
        StatusOf((await access.AdmitAsync(_http.Request, "c1", Cancellation)).Refusal).ShouldBe(401);
    }

    [Fact]
    public async Task A_bearer_without_a_provider_is_nobody()
    {
        var access = Create("open", new AccessOptions()).Channels;
        SignIn(_authority.Sign(_key));

        (await access.AdmitAsync(_http.Request, "c1", Cancellation)).ShouldBe(new Admission(null, null, null));
    }

    [Theory]
    [InlineData("open")]
    [InlineData("owner")]
    [InlineData("claim")]
    public async Task A_back_ends_token_signs_its_user_in_for_one_channel_until_it_ends_also_without_a_provider(string mode)
    {
        var clock = new ManualTimeProvider();
        var setup = Create(mode, new AccessOptions(), clock: clock);
        var (ana, until) = (new SignedInUser(SignedInUser.Backend, new Caller("ana", ["auditor"]), ["c1", "c2"]), clock.GetUtcNow() + TimeSpan.FromMinutes(10));
        await setup.Owners.SetAsync("c1", ana.Caller, life: null, Cancellation);
        await setup.Owners.SetAsync("c2", ana.Caller, life: null, Cancellation);
        var token = await setup.Tokens.CreateAsync(ana, "c1", until, Cancellation);
        SignIn(token);

        token.ShouldMatch("^cosmo_[A-Za-z0-9_-]{43}$");
        var (user, refusal) = await setup.Channels.EnterAsync(_http.Request, "c1", Cancellation);
        refusal.ShouldBeNull();
        (user!.Name, user.Caller.Roles.Single(), user.Until).ShouldBe(("backend:ana", "auditor", until));
        (await setup.Channels.IdentifyAsync(_http.Request, "c1", Cancellation)).User!.Name.ShouldBe("backend:ana");
        (await setup.Channels.AdmitAsync(_http.Request, "c1", Cancellation)).User!.Until.ShouldBe(until);
        StatusOf(await setup.Channels.RefuseAsync(_http.Request, "c2", Cancellation)).ShouldBe(403);
        StatusOf((await setup.Channels.AdmitAsync(_http.Request, "c2", Cancellation)).Refusal).ShouldBe(403);
        clock.Advance(TimeSpan.FromMinutes(10));
        StatusOf(await setup.Channels.RefuseAsync(_http.Request, "c1", Cancellation)).ShouldBe(401);
        _http.Response.Headers.WWWAuthenticate.ToString().ShouldBe("Bearer error=\"invalid_token\", error_description=\"It is not known, or has ended.\"");
    }

    [Fact]
    public async Task A_back_ends_token_stands_nowhere_and_Redis_forgets_it_when_it_ends()
    {
        var setup = Create("open", new AccessOptions());
        var token = await setup.Tokens.CreateAsync(
            new SignedInUser(SignedInUser.Backend, new Caller("ana", []), []), "c1", TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(10), Cancellation);

        var key = $"{_redis.Prefix}token:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)))}";
        var (life, value) = await _redis.Connection.RunAsync(async database => (await database.KeyTimeToLiveAsync(key), (string?)await database.StringGetAsync(key)), Cancellation);

        life!.Value.ShouldBeInRange(TimeSpan.FromMinutes(9), TimeSpan.FromMinutes(10));
        value!.ShouldNotContain(token["cosmo_".Length..]);
    }

    [Theory]
    [InlineData("True", null)]
    [InlineData("", 401)]
    public async Task The_platforms_header_counts_where_the_platform_says_so(string platform, int? status)
    {
        var access = Create("owner", new AccessOptions(), platform).Channels;
        foreach (var (name, value) in ToolsFixture.Principal("auditor"))
        {
            _http.Request.Headers[name] = value;
        }

        var admission = await access.AdmitAsync(_http.Request, "c1", Cancellation);

        (admission.Refusal is null ? (int?)null : StatusOf(admission.Refusal)).ShouldBe(status);
        admission.Owner?.Name.ShouldBe("platform:u-1");
    }

    [Fact]
    public async Task Opening_a_new_channel_takes_it_and_reading_one_does_not()
    {
        var access = Create("owner").Channels;
        SignIn(_authority.Sign(_key, "ana"));
        StatusOf(await access.RefuseAsync(_http.Request, "c1", Cancellation)).ShouldBe(403);

        (await access.AdmitAsync(_http.Request, "c1", Cancellation)).Owner!.Name.ShouldBe($"{_authority.Issuer}:ana");
        (await access.RefuseAsync(_http.Request, "c1", Cancellation)).ShouldBeNull();

        SignIn(_authority.Sign(_key, "eve"));
        StatusOf((await access.AdmitAsync(_http.Request, "c1", Cancellation)).Refusal).ShouldBe(403);
    }

    [Fact]
    public async Task What_was_read_while_the_channel_changed_hands_is_not_given_to_who_had_it()
    {
        var setup = Create("owner");
        SignIn(_authority.Sign(_key, "ana"));
        var read = new OkResult();
        var isRead = false;
        (await setup.Channels.ReadAsync(_http.Request, "c1", ReadAsync, Cancellation)).ShouldBeOfType<ObjectResult>().StatusCode.ShouldBe(403);
        isRead.ShouldBeFalse();
        await setup.Channels.AdmitAsync(_http.Request, "c1", Cancellation);

        (await setup.Channels.ReadAsync(_http.Request, "c1", ReadAsync, Cancellation)).ShouldBeSameAs(read);
        var answer = await setup.Channels.ReadAsync(
            _http.Request,
            "c1",
            async () =>
            {
                await setup.Owners.SetAsync("c1", new Caller("ben", []), life: null, Cancellation);
                return read;
            },
            Cancellation);

        StatusOf(answer).ShouldBe(403);

        Task<IActionResult> ReadAsync()
        {
            isRead = true;
            return Task.FromResult<IActionResult>(read);
        }
    }

    [Fact]
    public async Task The_same_id_from_another_issuer_is_another_user()
    {
        var access = Create("owner").Channels;
        await access.AdmitAsync(_http.Request, "c1", new SignedInUser(SignedInUser.Backend, new Caller("ana", []), []), Cancellation);
        SignIn(_authority.Sign(_key, "ana"));

        StatusOf(await access.RefuseAsync(_http.Request, "c1", Cancellation)).ShouldBe(403);
    }

    [Fact]
    public async Task The_host_application_may_refuse_whom_the_mode_lets_in()
    {
        await using var application = await HttpStub.StartAsync(context => context.Response.WriteAsync("""{"allowed": false}"""));
        var options = _authority.Options;
        options.DecisionUrl = application.Url;
        var access = Create("owner", options).Channels;
        SignIn(_authority.Sign(_key));

        (await access.AdmitAsync(_http.Request, "c1", Cancellation)).Refusal.Told().ShouldBe((403, "Not allowed", "The host application does not let this user into the channel."));
        application.Requests.Count.ShouldBe(1);
        StatusOf(await access.RefuseAsync(_http.Request, "c1", Cancellation)).ShouldBe(403, "The channel must not be this user's.");
        _http.Request.Headers.Authorization = "";
        StatusOf((await access.AdmitAsync(_http.Request, "c1", Cancellation)).Refusal).ShouldBe(401);
        application.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Each_refusal_says_in_words_why()
    {
        var (byOwner, byClaim) = (Create("owner"), Create("claim"));
        await byOwner.Owners.SetAsync("c1", new Caller("ben", []), life: null, Cancellation);
        (await ToldAsync(byOwner)).ShouldBe((401, "Not signed in", "This is open to signed-in users only. A key of the host is not looked at here."));

        SignIn(_authority.Sign(_key, "ana"));
        (await ToldAsync(byOwner)).ShouldBe((403, "Not your channel", "The channel belongs to another user, or to nobody until a message or an operator names one."));
        (await ToldAsync(byClaim)).ShouldBe((403, "Not your channel", "The user's token does not list the channel."));

        SignIn(_authority.Sign(_key, minutes: -5));
        (await ToldAsync(byClaim)).ShouldBe((401, "Not signed in", "The token does not do. It has ended."));

        var ana = new SignedInUser(SignedInUser.Backend, new Caller("ana", []), ["c1"]);
        SignIn(await byClaim.Tokens.CreateAsync(ana, "c2", TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(5), Cancellation));
        (await ToldAsync(byClaim)).ShouldBe((403, "Not this channel", "The token is for another channel."));
    }

    [Fact]
    public async Task A_provider_or_a_Redis_that_is_away_is_told_as_such()
    {
        await using var nowhere = TestRedis.Nowhere();
        var setup = new AccessSetup(nowhere, TimeProvider.System, _authority.Options);
        setup.Options.Mode = "owner";
        _setups.Add(setup);
        SignIn(_authority.Sign(_key, "ana"));
        (await ToldAsync(setup)).ShouldBe((503, "Redis is not available", "Whose channel this is could not be found out. Please try again in a moment."));

        SignIn("cosmo_x");
        (await ToldAsync(setup)).ShouldBe((503, "Redis is not available", "The token could not be checked. Please try again in a moment."));

        SignIn(_authority.Sign(_key, "ana"));
        _authority.IsAway = true;
        (await ToldAsync(Create("claim"))).ShouldBe((503, "The identity provider is not available", "The token could not be checked. Please try again in a moment."));
    }

    [Theory]
    [InlineData("open", null, true, null, null)]
    [InlineData("claim", null, false, "Please sign in.", "The channel is open to signed-in users only.")]
    [InlineData("claim", "eve", true, "Your connection has to be renewed. Please try again.", "The user's rights have ended with the connection's token; negotiate another.")]
    [InlineData("claim", "eve", false, null, null)]
    [InlineData("owner", "eve", false, "This conversation belongs to somebody else.", "The channel is not this user's.")]
    [InlineData("owner", "ana", false, null, null)]
    public async Task A_connection_may_act_while_its_user_is_signed_in_and_the_channel_is_that_user_s(string mode, string? user, bool hasEnded, string? sentence, string? details)
    {
        var setup = Create(mode, new AccessOptions());
        await setup.Owners.SetAsync("c1", new Caller("ana", []), life: null, Cancellation);
        var identity = new ConnectionIdentity("c1", new Caller(user, []), user is null ? null : SignedInUser.Backend, DateTimeOffset.UnixEpoch);

        (await setup.Channels.RefuseAsync(identity, hasEnded, Cancellation)).ShouldBe(sentence is null ? null : (sentence, details!));
    }

    [Theory]
    [InlineData("owner", "ana", true)]
    [InlineData("owner", "eve", false)]
    [InlineData("owner", null, false)]
    [InlineData("claim", "eve", true)]
    [InlineData("open", null, true)]
    public async Task Who_reads_reads_on_while_the_channel_is_not_another_s(string mode, string? user, bool mayRead)
    {
        var setup = Create(mode, new AccessOptions());
        await setup.Owners.SetAsync("c1", new Caller("ana", []), life: null, Cancellation);

        (await setup.Channels.MayReadOnAsync("c1", user is null ? null : new SignedInUser(SignedInUser.Backend, new Caller(user, []), []), Cancellation)).ShouldBe(mayRead);
    }

    private async Task<(int?, string?, string?)> ToldAsync(AccessSetup setup) => (await setup.Channels.RefuseAsync(_http.Request, "c1", Cancellation)).Told();

    private static int? StatusOf(IActionResult? refusal) => refusal.ShouldBeOfType<ObjectResult>().StatusCode;

    private AccessSetup Create(string mode, AccessOptions? options = null, string? platform = null, TimeProvider? clock = null)
    {
        var setup = new AccessSetup(_redis.Connection, clock ?? TimeProvider.System, options ?? _authority.Options, platform);
        setup.Options.Mode = mode;
        _setups.Add(setup);
        return setup;
    }

    private void SignIn(string token) => _http.Request.Headers.Authorization = $"Bearer {token}";
}
