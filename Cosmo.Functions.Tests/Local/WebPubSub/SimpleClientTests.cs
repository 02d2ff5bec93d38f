using System.Net.WebSockets;
using Azure.Core;

namespace Cosmo.Functions.Tests.Local.WebPubSub;

public sealed class SimpleClientTests
{
    [Fact]
    public async Task A_raw_client_gets_the_payload_as_it_was_sent()
    {
        await using var service = await EmulatedService.StartAsync();
        var socket = await service.OpenSocketAsync(await service.UrlAsync("g"));

        await service.Client.SendToGroupAsync("g", RequestContent.Create("""{ "a" : "é" }"""), ContentType.ApplicationJson);
        await service.SendTextAsync("g", "plain");
        await service.Client.SendToGroupAsync("g", RequestContent.Create(new byte[] { 0, 255 }), ContentType.ApplicationOctetStream);

        (await socket.NextAsync("message")).GetProperty("data").GetString().ShouldBe("""{ "a" : "é" }""");
        (await socket.NextAsync("message")).GetProperty("data").GetString().ShouldBe("plain");
        var binary = await socket.NextAsync("message");
        binary.GetProperty("isBinary").GetBoolean().ShouldBeTrue();
        binary.GetProperty("data").GetString().ShouldBe("AP8=");
    }

    [Fact]
    public async Task A_client_never_gets_what_another_channel_is_sent()
    {
        await using var service = await EmulatedService.StartAsync();
        var socket = await service.OpenSocketAsync(await service.UrlAsync("mine"));

        await service.SendTextAsync("other", "not mine");
        await service.SendTextAsync("mine", "mine");

        (await socket.NextAsync("message")).GetProperty("data").GetString().ShouldBe("mine");
    }

    [Fact]
    public async Task An_unknown_subprotocol_is_not_echoed()
    {
        await using var service = await EmulatedService.StartAsync();
        var url = new Uri(await service.UrlAsync("g"));
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("something.else");

        await socket.ConnectAsync(url, TestContext.Current.CancellationToken);

        socket.SubProtocol.ShouldBeNull();
    }

    [Fact]
    public async Task A_frame_that_no_handler_takes_drops_the_connection()
    {
        await using var service = await EmulatedService.StartAsync();
        var socket = await service.OpenSocketAsync(await service.UrlAsync("g"));

        await socket.RunAsync("send", new { data = "hello" });

        (await socket.NextAsync("close")).GetProperty("code").GetInt32().ShouldBe(1008);
    }

    [Fact]
    public async Task A_client_may_publish_each_frame_to_the_group_of_its_url()
    {
        await using var service = await EmulatedService.StartAsync();
        var url = await service.UrlAsync("g", null, "webpubsub.sendToGroup.g");
        var publisher = await service.OpenSocketAsync(url + "&webpubsub_mode=sendToGroup&group=g");

        await publisher.RunAsync("send", new { data = "hello" });

        (await publisher.NextAsync("message")).GetProperty("data").GetString().ShouldBe("hello");
    }
}
