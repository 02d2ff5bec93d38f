using System.Net;
using Azure;
using Azure.Core;
using Azure.Messaging.WebPubSub;

namespace Cosmo.Functions.Tests.Local.WebPubSub;

/// <summary>The client that the app uses.</summary>
public sealed class ServiceClientTests
{
    [Fact]
    public async Task A_group_of_any_name_gets_what_is_sent_to_it()
    {
        await using var service = await EmulatedService.StartAsync();
        var client = await service.ConnectAsync(await service.UrlAsync(EmulatedService.OddGroups));

        foreach (var group in EmulatedService.OddGroups)
        {
            (await service.Client.SendToGroupAsync(group, "hello")).Status.ShouldBe(202);
            (await client.NextAsync("group-message")).GetProperty("group").GetString().ShouldBe(group);
        }
    }

    [Fact]
    public async Task A_connection_can_be_left_out()
    {
        await using var service = await EmulatedService.StartAsync();
        var left = await service.ConnectAsync(await service.UrlAsync("g"));
        var id = (await left.NextAsync("connected")).GetProperty("connectionId").GetString()!;

        await service.Client.SendToGroupAsync("g", RequestContent.Create("not to you"), ContentType.TextPlain, excluded: [id]);
        await service.SendTextAsync("g", "to you");

        (await left.NextAsync("group-message")).GetProperty("data").GetString().ShouldBe("to you");
    }

    [Fact]
    public async Task A_fault_that_passes_is_retried_away()
    {
        await using var service = await EmulatedService.StartAsync();
        await service.FaultsAsync(new { send = new { status = 503, times = 1 } });

        (await service.Client.SendToGroupAsync("g", "hello")).Status.ShouldBe(202);

        (await service.StatsAsync()).GetProperty("sendsRefused").GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task What_the_service_refuses_is_a_RequestFailedException_with_its_code()
    {
        await using var service = await EmulatedService.StartAsync();
        var stranger = new WebPubSubServiceClient($"Endpoint={service.Emulator.Url};AccessKey=some-other-key-altogether", EmulatedService.Hub);

        var exception = await Should.ThrowAsync<RequestFailedException>(() => stranger.SendToGroupAsync("g", "hello"));

        exception.Status.ShouldBe((int)HttpStatusCode.Unauthorized);
        exception.ErrorCode.ShouldBe("Unauthorized");
    }

    [Fact]
    public async Task A_send_that_hangs_can_be_cancelled()
    {
        await using var service = await EmulatedService.StartAsync();
        await service.FaultsAsync(new { delayMs = 60_000 });
        using var cancellation = new CancellationTokenSource();
        var send = service.Client.SendToGroupAsync(
            "g", RequestContent.Create("hello"), ContentType.TextPlain, context: new RequestContext { CancellationToken = cancellation.Token });

        await cancellation.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => send);
    }

    [Fact]
    public async Task Without_an_access_key_the_service_makes_the_token_and_only_over_https()
    {
        var client = new WebPubSubServiceClient(new Uri("http://127.0.0.1:1"), "cosmo", new FixedCredential());

        var exception = await Should.ThrowAsync<InvalidOperationException>(
            () => client.GetClientAccessUriAsync(cancellationToken: TestContext.Current.CancellationToken));

        exception.Message.ShouldContain("https");
    }

    [Theory]
    [InlineData("Endpoint=http://127.0.0.1:8080/;AccessKey=key==;Version=1.0;", "http://127.0.0.1:8080/")]
    [InlineData("endpoint = http://127.0.0.1 ; accesskey=key; Port = 8081", "http://127.0.0.1:8081/")]
    [InlineData("AccessKey=key;Endpoint=https://name.webpubsub.azure.com;", "https://name.webpubsub.azure.com/")]
    public void A_connection_string_is_read_as_the_official_client_reads_it(string connectionString, string endpoint) =>
        new WebPubSubServiceClient(connectionString, "cosmo").Endpoint.AbsoluteUri.ShouldBe(endpoint);

    [Theory]
    [InlineData("AccessKey=key;", "Endpoint")]
    [InlineData("Endpoint=http://127.0.0.1;", "AccessKey")]
    [InlineData("Endpoint=http://127.0.0.1;AccessKey=key;Port=0", "Port")]
    [InlineData("Endpoint=http://127.0.0.1;AccessKey=key;accesskey=two", "Duplicate")]
    public void A_connection_string_that_does_not_hold_names_what_is_wrong(string connectionString, string named) =>
        Should.Throw<ArgumentException>(() => new WebPubSubServiceClient(connectionString, "cosmo")).Message.ShouldContain(named);

    [Fact]
    public async Task The_clients_url_is_a_websocket_url_of_the_hub()
    {
        var client = new WebPubSubServiceClient("Endpoint=https://name.webpubsub.azure.com;AccessKey=key", "cosmo");

        var url = await client.GetClientAccessUriAsync(cancellationToken: TestContext.Current.CancellationToken);

        url.GetLeftPart(UriPartial.Path).ShouldBe("wss://name.webpubsub.azure.com/client/hubs/cosmo");
    }

    private sealed class FixedCredential : TokenCredential
    {
        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) => new("token", DateTimeOffset.MaxValue);

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) => new(GetToken(requestContext, cancellationToken));
    }
}
