using System.Text.Json.Nodes;
using Azure;
using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Access;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Configuration;
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
    private readonly DefaultHttpContext _http = new();

    public ChannelEndpointTests() => _log = new UpdateLog(_redis.Connection, Options.Create(new DeliveryOptions()), TimeProvider.System);

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Theory]
    [InlineData("c1", "c1")]
    [InlineData("team%2Fa b", "team/a b")]
    public async Task A_token_opens_the_group_of_its_channel_alone_and_says_whose_it_is(string route, string channel)
    {
        var webPubSub = new WebPubSubServiceClient($"Endpoint=http://127.0.0.1:1;AccessKey={new string('k', 40)};Version=1.0;", "cosmo");

        var answer = (JsonResult)await NegotiateAsync(webPubSub, route);

        var url = new Uri(JsonNode.Parse(System.Text.Json.JsonSerializer.Serialize(answer.Value))!["url"]!.GetValue<string>());
        var token = new Microsoft.IdentityModel.JsonWebTokens.JsonWebToken(System.Web.HttpUtility.ParseQueryString(url.Query)["access_token"]);
        ConnectionIdentity.FromUserId(token.Subject)!.Channel.ShouldBe(channel);
        token.Claims.Where(claim => claim.Type == "webpubsub.group").Select(claim => claim.Value).ShouldBe([GroupName.For(channel)]);
        token.Claims.ShouldNotContain(claim => claim.Type == "role");
    }

    [Fact]
    public async Task What_is_no_channel_gets_no_token() =>
        ((ObjectResult)await NegotiateAsync(Substitute.For<WebPubSubServiceClient>(), " ")).StatusCode.ShouldBe(400);

    [Fact]
    public async Task Web_PubSub_that_gives_no_token_is_not_available()
    {
        var webPubSub = Substitute.For<WebPubSubServiceClient>();
        webPubSub.GetClientAccessUriAsync(
            Arg.Any<TimeSpan>(), Arg.Any<string>(), Arg.Any<IEnumerable<string>>(), Arg.Any<IEnumerable<string>>(), Arg.Any<WebPubSubClientProtocol>(), Arg.Any<CancellationToken>())
            .ThrowsAsyncForAnyArgs(new RequestFailedException(503, "away"));

        ((ObjectResult)await NegotiateAsync(webPubSub, "c1")).StatusCode.ShouldBe(503);
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
    public async Task What_is_no_sequence_is_refused(string after) => ((ObjectResult)await GetUpdatesAsync("c1", after)).StatusCode.ShouldBe(400);

    private Task<IActionResult> NegotiateAsync(WebPubSubServiceClient webPubSub, string channel) => new Negotiate(
        webPubSub, new PlatformIdentity(new ConfigurationManager()), Options.Create(new DeliveryOptions()), NullLogger<Negotiate>.Instance)
        .RunAsync(_http.Request, channel, Substitute.For<FunctionContext>());

    private Task<IActionResult> GetUpdatesAsync(string channel, string after)
    {
        _http.Request.QueryString = QueryString.Create("after", after);
        return new GetUpdates(_log).RunAsync(_http.Request, channel, Substitute.For<FunctionContext>());
    }
}
