using System.Security.Cryptography;
using System.Text;
using Cosmo.Local.Emulators.WebPubSub.Events;
using Microsoft.AspNetCore.Http;

namespace Cosmo.Functions.Tests.Local.WebPubSub;

/// <summary>Clients' events on their way to the event handler, and its answers on their way back.</summary>
public sealed class EventTests
{
    [Fact]
    public async Task A_user_event_reaches_the_webhook_as_a_signed_cloud_event()
    {
        await using var webhook = await WebhookReceiver.StartAsync();
        await using var service = await EmulatedService.StartAsync(new WebPubSubEventHandler(webhook.Url));
        var client = await service.ConnectAsync(await service.UrlAsync("g", "ü1"));
        var id = (await client.NextAsync("connected")).GetProperty("connectionId").GetString()!;

        await client.RunAsync("sendEvent", new { name = "message", data = new { text = "é" }, dataType = "json" });

        var validation = await webhook.NextAsync();
        validation.Method.ShouldBe("OPTIONS");
        validation.Query.ShouldBe("?code=secret&hub=cosmo&event=validate");
        validation.Headers["WebHook-Request-Origin"].ShouldBe(service.Emulator.Url.Authority);
        var received = await webhook.NextAsync();
        received.Query.ShouldBe("?code=secret&hub=cosmo&event=message");
        received.Body.ShouldBe("""{"text":"é"}""");
        received.Headers["Content-Type"].ShouldBe("application/json; charset=utf-8");
        received.Headers["ce-type"].ShouldBe("azure.webpubsub.user.message");
        received.Headers["ce-specversion"].ShouldBe("1.0");
        received.Headers["ce-awpsversion"].ShouldBe("1.0");
        received.Headers["ce-source"].ShouldBe($"/hubs/cosmo/client/{id}");
        received.Headers["ce-hub"].ShouldBe("cosmo");
        received.Headers["ce-eventName"].ShouldBe("message");
        received.Headers["ce-connectionId"].ShouldBe(id);
        received.Headers["ce-userId"].ShouldBe("ü1");
        received.Headers["ce-subprotocol"].ShouldBe("json.reliable.webpubsub.azure.v1");
        received.Headers["WebHook-Request-Origin"].ShouldBe(service.Emulator.Url.Authority);
        var signature = HMACSHA256.HashData(Encoding.UTF8.GetBytes(EmulatedService.AccessKey), Encoding.UTF8.GetBytes(id));
        received.Headers["ce-signature"].Split(',')[0].ShouldBe($"sha256={Convert.ToHexStringLower(signature)}");
    }

    [Fact]
    public async Task The_webhooks_answer_goes_back_to_the_client_that_asked()
    {
        await using var webhook = await WebhookReceiver.StartAsync();
        webhook.Answer = async context =>
        {
            context.Response.ContentType = "application/json; charset=utf-8";
            await context.Response.WriteAsync("""{"accepted":true}""");
        };
        await using var service = await EmulatedService.StartAsync(new WebPubSubEventHandler(webhook.Url));
        var client = await service.ConnectAsync(await service.UrlAsync("g"));

        await client.RunAsync("sendEvent", new { name = "message", data = "hi", dataType = "text" });

        var answer = await client.NextAsync("server-message");
        answer.GetProperty("dataType").GetString().ShouldBe("json");
        answer.GetProperty("data").GetProperty("accepted").GetBoolean().ShouldBeTrue();
    }

    [Fact]
    public async Task A_simple_clients_frame_is_the_event_message()
    {
        await using var webhook = await WebhookReceiver.StartAsync();
        webhook.Answer = context => context.Response.WriteAsync("heard");
        await using var service = await EmulatedService.StartAsync(new WebPubSubEventHandler(webhook.Url));
        var socket = await service.OpenSocketAsync(await service.UrlAsync("g"));

        await socket.RunAsync("send", new { data = "hi" });

        await webhook.NextAsync();
        var received = await webhook.NextAsync();
        received.Headers["ce-type"].ShouldBe("azure.webpubsub.user.message");
        received.Headers["Content-Type"].ShouldBe("text/plain; charset=utf-8");
        received.Headers.ShouldNotContainKey("ce-userId");
        received.Body.ShouldBe("hi");
        (await socket.NextAsync("message")).GetProperty("isBinary").GetBoolean().ShouldBeTrue();
    }

    [Fact]
    public async Task The_connections_state_comes_back_with_the_next_event()
    {
        await using var webhook = await WebhookReceiver.StartAsync();
        webhook.Answer = context =>
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            context.Response.Headers["ce-connectionState"] = "eyJuIjoxfQ==";
            return Task.CompletedTask;
        };
        await using var service = await EmulatedService.StartAsync(new WebPubSubEventHandler(webhook.Url));
        var client = await service.ConnectAsync(await service.UrlAsync("g"));

        await client.RunAsync("sendEvent", new { name = "one", data = "", dataType = "text" });
        await client.RunAsync("sendEvent", new { name = "two", data = "", dataType = "text" });

        await webhook.NextAsync();
        (await webhook.NextAsync()).Headers.ShouldNotContainKey("ce-connectionState");
        (await webhook.NextAsync()).Headers["ce-connectionState"].ShouldBe("eyJuIjoxfQ==");
    }

    [Fact]
    public async Task A_webhook_that_refuses_drops_the_connection()
    {
        await using var webhook = await WebhookReceiver.StartAsync();
        webhook.Answer = context =>
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return Task.CompletedTask;
        };
        await using var service = await EmulatedService.StartAsync(new WebPubSubEventHandler(webhook.Url));
        var client = await service.ConnectAsync(await service.UrlAsync("g"));
        await client.NextAsync("connected");

        await client.FailAsync("sendEvent", new { name = "message", data = "hi", dataType = "text" });

        (await client.NextAsync("disconnected")).GetProperty("message").GetString().ShouldBe("The event handler refused the event.");
    }

    [Fact]
    public async Task A_webhook_that_does_not_allow_the_service_gets_no_event()
    {
        await using var webhook = await WebhookReceiver.StartAsync();
        webhook.AllowedOrigin = "somebody.else";
        await using var service = await EmulatedService.StartAsync(new WebPubSubEventHandler(webhook.Url));
        var socket = await service.OpenSocketAsync(await service.UrlAsync("g"));

        await socket.RunAsync("send", new { data = "secret" });
        await socket.NextAsync("close");
        webhook.AllowedOrigin = service.Emulator.Url.Authority;
        var again = await service.OpenSocketAsync(await service.UrlAsync("g"));
        await again.RunAsync("send", new { data = "hi" });

        (await webhook.NextAsync()).Method.ShouldBe("OPTIONS");
        (await webhook.NextAsync()).Method.ShouldBe("OPTIONS");
        (await webhook.NextAsync()).Body.ShouldBe("hi");
    }

    [Fact]
    public async Task An_event_that_no_handler_takes_fails_but_keeps_the_connection()
    {
        await using var service = await EmulatedService.StartAsync(new WebPubSubEventHandler("http://127.0.0.1:1/", "message,cancel"));
        var client = await service.ConnectAsync(await service.UrlAsync("g"));

        var error = await client.FailAsync("sendEvent", new { name = "other", data = "hi", dataType = "text" });
        await service.SendTextAsync("g", "still here");

        error.GetProperty("detail").GetProperty("name").GetString().ShouldBe("InvocationFailed");
        await client.NextAsync("group-message");
        client.Unread("disconnected").ShouldBe(0);
    }

    [Fact]
    public async Task An_invocation_has_the_webhooks_answer()
    {
        await using var webhook = await WebhookReceiver.StartAsync();
        webhook.Answer = async context =>
        {
            context.Response.ContentType = "application/json; charset=utf-8";
            await context.Response.WriteAsync("""{"price":3}""");
        };
        await using var service = await EmulatedService.StartAsync(new WebPubSubEventHandler(webhook.Url, "price"));
        var client = await service.ConnectAsync(await service.UrlAsync("g"));

        var answer = await client.RunAsync("invokeEvent", new { name = "price", data = "tea", dataType = "text" });
        var unknown = await client.FailAsync("invokeEvent", new { name = "other", data = "tea", dataType = "text" });

        answer.GetProperty("data").GetProperty("price").GetInt32().ShouldBe(3);
        unknown.GetProperty("detail").GetProperty("name").GetString().ShouldBe("InvocationFailed");
        client.Unread("server-message").ShouldBe(0);
    }

    [Fact]
    public async Task An_invocation_that_its_client_cancels_is_cancelled_at_the_webhook()
    {
        await using var webhook = await WebhookReceiver.StartAsync();
        var cancelled = new TaskCompletionSource();
        webhook.Answer = async context =>
        {
            context.RequestAborted.Register(cancelled.SetResult);
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        };
        await using var service = await EmulatedService.StartAsync(new WebPubSubEventHandler(webhook.Url));
        var client = await service.ConnectAsync(await service.UrlAsync("g"));

        await client.FailAsync("invokeEvent", new { name = "slow", data = "", dataType = "text", cancelled = true });

        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task The_official_middleware_takes_every_event()
    {
        await using var webhook = await NodeScript.StartAsync("webhook.mjs", EmulatedService.Hub);
        var port = (await webhook.NextAsync("listening")).GetProperty("port").GetInt32();
        await using var service = await EmulatedService.StartAsync(
            new WebPubSubEventHandler($"http://127.0.0.1:{port}/events", "*", "connect", "connected", "disconnected", "joined", "left"));
        var client = await service.ConnectAsync(await service.UrlAsync("g", "u1"));

        await service.SendTextAsync("lobby", "joined by the handler");
        await client.RunAsync("sendEvent", new { name = "order", data = "tea", dataType = "text" });

        (await webhook.NextAsync("connect")).GetProperty("claims").GetProperty("sub")[0].GetString().ShouldBe("u1");
        await webhook.NextAsync("connected");
        (await client.NextAsync("group-message")).GetProperty("group").GetString().ShouldBe("lobby");
        var heard = await webhook.NextAsync("user-event");
        heard.GetProperty("data").GetString().ShouldBe("tea");
        heard.GetProperty("states").GetProperty("visits").GetInt32().ShouldBe(1);
        (await client.NextAsync("server-message")).GetProperty("data").GetString().ShouldBe("heard tea");
        (await webhook.NextAsync("joined")).GetProperty("group").GetString().ShouldBe("g");
        (await webhook.NextAsync("joined")).GetProperty("group").GetString().ShouldBe("lobby");
        await client.RunAsync("stop");
        await webhook.NextAsync("left");
        (await webhook.NextAsync("left")).GetProperty("userId").GetString().ShouldBe("u1");
        (await webhook.NextAsync("disconnected")).GetProperty("reason").GetString().ShouldBe("The client closed the connection.");
    }
}
