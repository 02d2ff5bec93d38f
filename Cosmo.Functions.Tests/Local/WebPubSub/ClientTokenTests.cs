using System.Text;
using Azure.Messaging.WebPubSub;

namespace Cosmo.Functions.Tests.Local.WebPubSub;

public sealed class ClientTokenTests
{
    private const string Elsewhere = "another-key-that-the-service-does-not-know";

    [Fact]
    public async Task A_token_that_has_expired_is_refused()
    {
        await using var service = await EmulatedService.StartAsync();
        var url = await service.Client.GetClientAccessUriAsync(TimeSpan.FromSeconds(-10), cancellationToken: TestContext.Current.CancellationToken);

        (await RefusalAsync(service, url.AbsoluteUri)).ShouldBe(401);
    }

    [Fact]
    public async Task A_token_of_another_key_is_refused()
    {
        await using var service = await EmulatedService.StartAsync();
        var stranger = new WebPubSubServiceClient($"Endpoint={service.Emulator.Url};AccessKey={Elsewhere}", EmulatedService.Hub);

        (await RefusalAsync(service, (await stranger.GetClientAccessUriAsync(cancellationToken: TestContext.Current.CancellationToken)).AbsoluteUri)).ShouldBe(401);
    }

    [Fact]
    public async Task A_token_of_another_hub_is_refused()
    {
        await using var service = await EmulatedService.StartAsync();
        var url = await service.UrlAsync("g");

        (await RefusalAsync(service, url.Replace("/hubs/cosmo", "/hubs/another", StringComparison.Ordinal))).ShouldBe(401);
    }

    [Fact]
    public async Task A_client_without_a_token_is_refused()
    {
        await using var service = await EmulatedService.StartAsync();

        (await RefusalAsync(service, (await service.UrlAsync("g")).Split('?')[0])).ShouldBe(401);
    }

    [Fact]
    public async Task A_token_whose_claims_were_changed_is_refused()
    {
        await using var service = await EmulatedService.StartAsync();
        var parts = (await service.UrlAsync("mine")).Split('.');
        var payload = Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(parts[^2]));
        parts[^2] = System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(payload.Replace("mine", "ours", StringComparison.Ordinal)));

        (await RefusalAsync(service, string.Join('.', parts))).ShouldBe(401);
    }

    [Fact]
    public async Task The_official_server_sdk_makes_tokens_that_are_taken()
    {
        await using var service = await EmulatedService.StartAsync();
        var sdk = await service.ServerSdkAsync();
        var token = await sdk.RunAsync("token", new { userId = "u1", groups = (string[])["g"] });

        var client = await service.ConnectAsync(token.GetProperty("url").GetString()!);
        await service.SendTextAsync("g", "hello");

        (await client.NextAsync("group-message")).GetProperty("data").GetString().ShouldBe("hello");
    }

    private static async Task<int> RefusalAsync(EmulatedService service, string url)
    {
        var socket = await service.RunAsync("socket.mjs", url);
        return (await socket.NextAsync("refused")).GetProperty("status").GetInt32();
    }
}
