using System.Net;
using Azure;
using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Access;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Access;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using NSubstitute.ExceptionExtensions;

namespace Cosmo.Functions.Tests.Delivery;

/// <summary>What a browser asks for before and after it listens: <see cref="Negotiate"/> and <see cref="GetUpdates"/>.</summary>
public sealed class ChannelEndpointTests : IAsyncDisposable
{
    private readonly TestRedis _redis = new();
    private readonly UpdateLog _log;
    private readonly AccessSetup _access;
    private readonly LimitOptions _limits = new();
    private readonly DefaultHttpContext _http = new();

    public ChannelEndpointTests()
    {
        _log = new UpdateLog(_redis.Connection, Options.Create(new DeliveryOptions()), TimeProvider.System);
        _access = new AccessSetup(_redis.Connection, TimeProvider.System);
    }

    private DeltaListeners Listeners => new(_redis.Connection, Substitute.For<WebPubSubServiceClient>(), TimeProvider.System, NullLogger<DeltaListeners>.Instance);

    public ValueTask DisposeAsync()
    {
        _access.Dispose();
        return _redis.DisposeAsync();
    }

    [Theory]
    [InlineData("c1", "c1")]
    [InlineData("team%2Fa b", "team/a b")]
    [InlineData("~NTAlCg", "50%\n")]
    public async Task A_token_opens_the_group_of_its_channel_alone_and_says_whose_it_is(string route, string channel)
    {
        var answer = (JsonResult)await NegotiateAsync(WithKey(), route);

        var url = new Uri(System.Text.Json.JsonSerializer.SerializeToNode(answer.Value, CosmoJson.Options)!["url"]!.GetValue<string>());
        var token = new Microsoft.IdentityModel.JsonWebTokens.JsonWebToken(System.Web.HttpUtility.ParseQueryString(url.Query)["access_token"]);
        var identity = ConnectionIdentity.FromUserId(token.Subject)!;
        (identity.Channel, identity.Issuer, identity.User.IsSignedIn).ShouldBe((channel, null, false));
        (token.ValidTo - identity.Until.UtcDateTime).ShouldBeInRange(TimeSpan.Zero, TimeSpan.FromSeconds(2));
        token.Claims.Where(claim => claim.Type == "webpubsub.group").Select(claim => claim.Value).ShouldBe([GroupName.For(channel)]);
        token.Claims.ShouldNotContain(claim => claim.Type == "role");
    }

    [Theory]
    [InlineData(0, 0, null)]
    [InlineData(1, 0, "192.0.2.7")]
    [InlineData(0, 1, "192.0.2.7")]
    public async Task Whence_a_stranger_comes_stands_in_the_token_where_it_counts(int messagesPerMinute, int eventsPerMinute, string? address)
    {
        (_limits.MessagesPerMinute, _limits.EventsPerMinute) = (messagesPerMinute, eventsPerMinute);
        _http.Connection.RemoteIpAddress = IPAddress.Parse("192.0.2.7");

        var answer = (JsonResult)await NegotiateAsync(WithKey(), "c1");

        var url = new Uri(System.Text.Json.JsonSerializer.SerializeToNode(answer.Value, CosmoJson.Options)!["url"]!.GetValue<string>());
        var token = new Microsoft.IdentityModel.JsonWebTokens.JsonWebToken(System.Web.HttpUtility.ParseQueryString(url.Query)["access_token"]);
        ConnectionIdentity.FromUserId(token.Subject)!.User.Source.ShouldBe(address is null ? null : ClientSource.Of(IPAddress.Parse(address)));
    }

    [Fact]
    public async Task Who_negotiates_too_often_is_told_when_to_come_again_whatever_its_headers_say()
    {
        _limits.NegotiationsPerMinute = 1;
        _http.Connection.RemoteIpAddress = IPAddress.Parse("192.0.2.7");
        foreach (var number in Enumerable.Range(0, 10))
        {
            _http.Request.Headers["X-Forwarded-For"] = $"198.51.100.{number}";
            (await NegotiateAsync(WithKey(), $"c{number}")).ShouldBeOfType<JsonResult>();
        }

        var refused = (ObjectResult)await NegotiateAsync(WithKey(), "c1");
        var after = int.Parse(_http.Response.Headers.RetryAfter.ToString(), System.Globalization.CultureInfo.InvariantCulture);
        _http.Connection.RemoteIpAddress = IPAddress.Parse("192.0.2.8");
        var other = await NegotiateAsync(WithKey(), "c1");

        (refused.StatusCode, refused.ContentTypes.Single()).ShouldBe((429, "application/problem+json"));
        ((ProblemDetails)refused.Value!).Detail.ShouldStartWith("The limit of 10 negotiations a minute is reached; it ends at 20");
        after.ShouldBeInRange(1, 60);
        other.ShouldBeOfType<JsonResult>();
    }

    [Fact]
    public async Task A_user_who_negotiates_too_often_is_told_so_at_whatever_address_and_a_new_channel_is_not_that_users()
    {
        (_limits.NegotiationsPerMinute, _access.Options.Mode) = (1, "owner");
        await NegotiateAsAsync("c1");
        _http.Connection.RemoteIpAddress = IPAddress.Parse("192.0.2.8");

        var refused = (ObjectResult)await NegotiateAsAsync("c2");

        refused.StatusCode.ShouldBe(429);
        ((ProblemDetails)refused.Value!).Detail.ShouldStartWith("The limit of 1 negotiations a minute is reached");
        (await _access.Owners.FindAsync("c1", TestContext.Current.CancellationToken)).ShouldBe("backend:ana");
        (await _access.Owners.FindAsync("c2", TestContext.Current.CancellationToken)).ShouldBeNull();

        async Task<IActionResult> NegotiateAsAsync(string channel)
        {
            var user = new SignedInUser(SignedInUser.Backend, new Caller("ana", []), []);
            var token = await _access.Tokens.CreateAsync(user, channel, TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(5), TestContext.Current.CancellationToken);
            _http.Request.Headers.Authorization = $"Bearer {token}";
            return await NegotiateAsync(WithKey(), channel);
        }
    }

    [Theory]
    [InlineData("?text=delta", true)]
    [InlineData("?text=whole", false)]
    [InlineData("?text=", false)]
    public async Task Who_wants_what_is_new_alone_is_in_the_second_group_in_the_place_of_the_first_and_Redis_knows_until_when(string query, bool isDelta)
    {
        _http.Request.QueryString = new QueryString(query);
        var group = isDelta ? "cosmo-delta.c1" : "c1";

        foreach (var answer in (JsonResult[])[(JsonResult)await NegotiateAsync(WithKey(), "c1"), (JsonResult)await CreateTokenAsync("""{"user": {"id": "ana"}}""")])
        {
            var address = System.Text.Json.JsonSerializer.SerializeToNode(answer.Value, CosmoJson.Options)!;
            var token = new Microsoft.IdentityModel.JsonWebTokens.JsonWebToken(System.Web.HttpUtility.ParseQueryString(new Uri(address["url"]!.GetValue<string>()).Query)["access_token"]);
            token.Claims.Where(claim => claim.Type == "webpubsub.group").Select(claim => claim.Value).ShouldBe([group]);
            var until = (await _log.RecordAsync(new MessageAddress("c1", "msg-1", 1), Updates.Text(new MessageAddress("c1", "msg-1", 1), "conv_1", "H"), null, TestContext.Current.CancellationToken)).ToSend!.DeltasUntil;
            until.HasValue.ShouldBe(isDelta);

            // The one that lives longer counts.
            (until - address["expires_at"]!.GetValue<DateTimeOffset>())?.ShouldBeInRange(TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(5.5));
        }
    }

    [Fact]
    public async Task Texts_come_in_no_other_way()
    {
        _http.Request.QueryString = new QueryString("?text=pieces");

        (await NegotiateAsync(WithKey(), "c1")).Told().ShouldBe((400, "Not a way to get texts", "'text' must be whole, as it is without it, or delta."));
        ((ObjectResult)await CreateTokenAsync("""{"user": {"id": "ana"}}""")).StatusCode.ShouldBe(400);
    }

    [Fact]
    public async Task Nobody_listens_for_what_is_new_alone_of_whom_Redis_was_not_told()
    {
        await using var nowhere = TestRedis.Nowhere();
        _http.Request.QueryString = new QueryString("?text=delta");

        var (address, refusal) = await Addresses(WithKey(), new(nowhere, WithKey(), TimeProvider.System, NullLogger<DeltaListeners>.Instance))
            .MakeAsync("c1", null, null, isDelta: true, TestContext.Current.CancellationToken);

        address.ShouldBeNull();
        refusal!.Told().ShouldBe((503, "Redis is not available", "The connection could not be negotiated. Please try again in a moment."));
    }

    [Theory]
    [InlineData(" ")]
    [InlineData("50%")]
    [InlineData("~")]
    public async Task What_is_no_channel_gets_no_token(string channel) =>
        ((ObjectResult)await NegotiateAsync(Substitute.For<WebPubSubServiceClient>(), channel)).StatusCode.ShouldBe(400);

    [Fact]
    public async Task A_back_end_gets_a_token_for_its_user()
    {
        var answer = System.Text.Json.JsonSerializer.SerializeToNode(
            ((JsonResult)await CreateTokenAsync("""{"user": {"id": "ana", "roles": ["auditor", "boss"]}}""")).Value, CosmoJson.Options)!;

        var token = new Microsoft.IdentityModel.JsonWebTokens.JsonWebToken(
            System.Web.HttpUtility.ParseQueryString(new Uri(answer["url"]!.GetValue<string>()).Query)["access_token"]);
        var identity = ConnectionIdentity.FromUserId(token.Subject)!;
        (identity.Channel, identity.User.Id, string.Join(',', identity.User.Roles), identity.Issuer).ShouldBe(("c1", "ana", "auditor,boss", "backend"));
        answer["expires_at"]!.GetValue<DateTimeOffset>().ShouldBe(identity.Until);
        var (user, channel) = (await _access.Tokens.FindAsync(answer["token"]!.GetValue<string>(), TestContext.Current.CancellationToken))!.Value;
        (user.Name, string.Join(',', user.Caller.Roles), user.Until, channel).ShouldBe(("backend:ana", "auditor,boss", identity.Until, "c1"));

        _http.Request.Headers.Authorization = $"Bearer {answer["token"]}";
        var renewed = System.Text.Json.JsonSerializer.SerializeToNode(((JsonResult)await NegotiateAsync(WithKey(), "c1")).Value, CosmoJson.Options)!.AsObject();
        renewed["expires_at"]!.GetValue<DateTimeOffset>().ShouldBe(identity.Until);
        renewed.ContainsKey("token").ShouldBeFalse();
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"user": "ana"}""")]
    [InlineData("""{"user": {"roles": ["auditor"]}}""")]
    [InlineData("""{"user": {"id": " "}}""")]
    [InlineData("""{"user": {"id": 7}}""")]
    [InlineData("""{"user": {"id": "ana", "roles": "auditor"}}""")]
    [InlineData("""{"user": {"id": "ana", "roles": ["auditor", 7]}}""")]
    [InlineData("""{"user": {"id": "ana", "channels": "c1"}}""")]
    [InlineData("""{"user": {"id": "ana", "channels": ["c1", 7]}}""")]
    [InlineData("""{"user": {"id": "ana \ud83d", "roles": []}}""")]
    public async Task A_token_for_nobody_is_refused(string body)
    {
        var (status, title, detail) = (await CreateTokenAsync(body)).Told();

        (status, title).ShouldBe((400, "Not a user"));
        detail.ShouldStartWith("The body must be {\"user\": {\"id\": …");
    }

    [Fact]
    public async Task A_user_that_fits_into_no_address_is_refused()
    {
        var refused = await CreateTokenAsync(
            $$$"""{"user": {"id": "ana", "roles": [{{{string.Join(',', Enumerable.Range(0, 20).Select(number => $"\"{number}{new string('x', 400)}\""))}}}]}}""");

        refused.Told().ShouldBe((400, "Too long", "The channel, the user's id and the roles do not fit into one address."));
    }

    [Fact]
    public async Task Web_PubSub_that_gives_no_token_is_not_available()
    {
        var webPubSub = Substitute.For<WebPubSubServiceClient>();
        webPubSub.GetClientAccessUriAsync(
            Arg.Any<TimeSpan>(), Arg.Any<string>(), Arg.Any<IEnumerable<string>>(), Arg.Any<IEnumerable<string>>(), Arg.Any<WebPubSubClientProtocol>(), Arg.Any<CancellationToken>())
            .ThrowsAsyncForAnyArgs(new RequestFailedException(503, "away"));

        (await NegotiateAsync(webPubSub, "c1")).Told().ShouldBe(
            (503, "Web PubSub is not available", "The connection could not be negotiated. Please try again in a moment."));
    }

    [Theory]
    [InlineData("", new[] { "started", "completed" })]
    [InlineData("1", new[] { "started", "completed" })]
    [InlineData("{first}", new[] { "completed" })]
    [InlineData("9223372036854775807", new string[0])]
    public async Task A_client_gets_what_came_after_what_it_has_seen(string after, string[] statuses)
    {
        var address = new MessageAddress("team/a", "msg-1", 1);
        var first = await _log.RecordAsync(address, Updates.Started(address), null, TestContext.Current.CancellationToken);
        await _log.RecordAsync(address, Updates.Completed(address, "conv_1", "Hello"), null, TestContext.Current.CancellationToken);

        var answer = (JsonResult)await GetUpdatesAsync("team%2Fa", after.Replace("{first}", $"{first.ToSend!.Payload.Sequence}"));

        var updates = System.Text.Json.JsonSerializer.SerializeToNode(answer.Value, CosmoJson.Options)!["updates"]!.AsArray();
        updates.Select(update => update!["payload"]!["status"]!.GetValue<string>()).ShouldBe(statuses);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("last")]
    [InlineData("9223372036854775808")]
    public async Task What_is_no_sequence_is_refused(string after)
    {
        var refused = await GetUpdatesAsync("c1", after);

        refused.Told().ShouldBe((400, "Not a sequence", "'after' must be the sequence of the last update seen, a whole number from 0."));
    }

    [Fact]
    public async Task What_Redis_refuses_is_no_outage()
    {
        var key = _log.EntryOf(new MessageAddress("c1", "", 1), Updates.Started(new MessageAddress("c1", "", 1)), once: null).Keys;
        foreach (var one in key)
        {
            await _redis.Connection.RunAsync(database => database.StringSetAsync(one, "text"), TestContext.Current.CancellationToken);
        }

        ((ObjectResult)await GetUpdatesAsync("c1", "")).StatusCode.ShouldBe(500);
    }

    [Fact]
    public async Task What_is_no_channel_has_no_updates_and_no_tokens()
    {
        ((ObjectResult)await GetUpdatesAsync(" ", "")).StatusCode.ShouldBe(400);
        ((ObjectResult)await UpdatesOf(_log).RunAsOperatorAsync(_http.Request, " ", Substitute.For<FunctionContext>())).StatusCode.ShouldBe(400);
        ((ObjectResult)await CreateTokenAsync("""{"user": {"id": "ana"}}""", " ")).StatusCode.ShouldBe(400);
    }

    [Fact]
    public async Task Who_is_not_let_in_gets_neither_address_nor_updates_which_an_operator_does()
    {
        _access.Options.Mode = "claim";

        ((ObjectResult)await NegotiateAsync(WithKey(), "c1")).StatusCode.ShouldBe(401);
        ((ObjectResult)await GetUpdatesAsync("c1", "")).StatusCode.ShouldBe(401);
        ((ObjectResult)await CreateTokenAsync("""{"user": {"id": "ana", "channels": ["c2", "d*"]}}""")).StatusCode.ShouldBe(403);
        (await CreateTokenAsync("""{"user": {"id": "ana", "channels": ["c2", "c*"]}}""")).ShouldBeOfType<JsonResult>();
        (await UpdatesOf(_log).RunAsOperatorAsync(_http.Request, "c1", Substitute.For<FunctionContext>())).ShouldBeOfType<JsonResult>();
        (_access.Options.Mode, _http.Request.Headers.Authorization) = ("open", "Bearer cosmo_unknown");
        ((ObjectResult)await NegotiateAsync(WithKey(), "c1")).StatusCode.ShouldBe(401);
    }

    [Fact]
    public async Task A_back_end_that_sends_too_much_is_told_so()
    {
        ((ObjectResult)await CreateTokenAsync($$"""{"user": {"id": "ana"}, "x": "{{new string('x', 65_536)}}"}""")).StatusCode.ShouldBe(413);
    }

    [Fact]
    public async Task The_channels_of_a_back_end_s_user_stand_in_the_token()
    {
        var answer = System.Text.Json.JsonSerializer.SerializeToNode(
            ((JsonResult)await CreateTokenAsync("""{"user": {"id": "ana", "issuer": "elsewhere", "channels": ["a", "b*"]}}""")).Value, CosmoJson.Options)!;

        var (user, _) = (await _access.Tokens.FindAsync(answer["token"]!.GetValue<string>(), TestContext.Current.CancellationToken))!.Value;
        (user.Name, string.Join(' ', user.Channels)).ShouldBe(("backend:ana", "a b*"));
    }

    /// <summary>Each is asked for something else: whose the channel is, whether others are in its group, and where the token is kept.</summary>
    [Fact]
    public async Task Without_Redis_each_is_told_to_come_again()
    {
        await using var nowhere = TestRedis.Nowhere();
        using var away = new AccessSetup(nowhere, TimeProvider.System);
        var log = new UpdateLog(nowhere, Options.Create(new DeliveryOptions()), TimeProvider.System);

        (await UpdatesOf(log).RunAsync(_http.Request, "c1", Substitute.For<FunctionContext>())).Told().ShouldBe((503, "Redis is not available", "The updates could not be read. Please try again in a moment."));
        (await CreateTokenAsync("""{"user": {"id": "ana"}}""", tokens: away.Tokens)).Told().ShouldBe((503, "Redis is not available", "The user's token could not be kept. Please try again in a moment."));
        _access.Options.Mode = "owner";
        (await CreateTokenAsync("""{"user": {"id": "ana"}}""", groups: away.Groups)).Told().ShouldBe((503, "Redis is not available", "The connection could not be negotiated. Please try again in a moment."));
        (await away.Groups.RefuseUnsettledAsync(new ChannelOwner("c1", "backend:ana", IsUnsettled: true, HadAnother: true), TestContext.Current.CancellationToken))
            .Told().ShouldBe((503, "Redis is not available", "The connection could not be negotiated. Please try again in a moment."));
        (await away.Groups.RefuseUnsettledAsync(new ChannelOwner("c1", "backend:ana", IsUnsettled: false, HadAnother: true), TestContext.Current.CancellationToken)).ShouldBeNull();
        (await away.Groups.RefuseUnsettledAsync(null, TestContext.Current.CancellationToken)).ShouldBeNull();
    }

    [Theory]
    [InlineData(null, 3600.0)]
    [InlineData(600.0, 600.0)]
    [InlineData(18_000.0, 3600.0)]
    [InlineData(0.2, 1.0)]
    [InlineData(-0.9, 1.0)]
    [InlineData(-60.0, 1.0)]
    public async Task An_address_lives_no_longer_than_its_user_is_signed_in_and_a_second_at_least(double? secondsLeft, double seconds)
    {
        var (user, now) = (new SignedInUser(SignedInUser.Backend, new Caller("ana", []), [], secondsLeft is { } left ? TimeProvider.System.GetUtcNow().AddSeconds(left) : null), TimeProvider.System.GetUtcNow());

        var (address, _) = await Addresses(WithKey()).MakeAsync("c1", user, null, isDelta: false, TestContext.Current.CancellationToken);

        var token = new Microsoft.IdentityModel.JsonWebTokens.JsonWebToken(System.Web.HttpUtility.ParseQueryString(new Uri(address!.Url).Query)["access_token"]);
        (token.ValidTo - now.UtcDateTime).TotalSeconds.ShouldBeInRange(seconds - 1, seconds + 3);
        address.ExpiresAt.ShouldBeLessThanOrEqualTo(user.Until ?? DateTimeOffset.MaxValue);
        (address.ExpiresAt - now).TotalSeconds.ShouldBeInRange(Math.Min(seconds, secondsLeft ?? seconds) - 1, Math.Min(seconds, secondsLeft ?? seconds) + 3);
    }

    private Task<IActionResult> NegotiateAsync(WebPubSubServiceClient webPubSub, string channel) =>
        new Negotiate(
            _access.Channels,
            new RequestLimits(_redis.Connection, AccessSetup.BackendNames, Options.Create(_limits), TimeProvider.System, NullLogger<RequestLimits>.Instance),
            new MessageLimits(_redis.Connection, AccessSetup.BackendNames, Options.Create(_limits), TimeProvider.System),
            _access.Groups,
            Addresses(webPubSub),
            TimeProvider.System).RunAsync(_http.Request, channel, Substitute.For<FunctionContext>());

    private Task<IActionResult> CreateTokenAsync(string body, string channel = "c1", BackendTokens? tokens = null, GroupKeeper? groups = null)
    {
        _http.Request.Body = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(body));
        return new CreateToken(_access.Channels, groups ?? _access.Groups, Addresses(WithKey()), tokens ?? _access.Tokens, NullLogger<CreateToken>.Instance)
            .RunAsync(_http.Request, channel, Substitute.For<FunctionContext>());
    }

    private static WebPubSubServiceClient WithKey() => new($"Endpoint=http://127.0.0.1:1;AccessKey={new string('k', 40)};Version=1.0;", "cosmo");

    private ConnectionAddresses Addresses(WebPubSubServiceClient webPubSub, DeltaListeners? listeners = null) =>
        new(webPubSub, listeners ?? Listeners, Options.Create(new DeliveryOptions()), TimeProvider.System, NullLogger<ConnectionAddresses>.Instance);

    private Task<IActionResult> GetUpdatesAsync(string channel, string after)
    {
        _http.Request.QueryString = QueryString.Create("after", after);
        return UpdatesOf(_log).RunAsync(_http.Request, channel, Substitute.For<FunctionContext>());
    }

    private GetUpdates UpdatesOf(UpdateLog log) => new(_access.Channels, log, NullLogger<GetUpdates>.Instance);
}
