using System.Text.Json;

namespace Cosmo.Functions.Tests.Local.WebPubSub;

public sealed class ReliableClientTests
{
    [Fact]
    public async Task What_was_sent_while_the_socket_was_away_arrives_once_on_the_same_connection()
    {
        await using var service = await EmulatedService.StartAsync();
        var client = await service.ConnectAsync(await service.UrlAsync("g"));
        await service.SendTextAsync("g", "1");
        await client.NextAsync("group-message");

        await service.FaultsAsync(new { connect = new { status = 503, times = 2 } });
        await service.DropSocketsAsync();
        await service.SendTextAsync("g", "2");
        await service.SendTextAsync("g", "3");
        (await client.NextAsync("group-message")).GetProperty("data").GetString().ShouldBe("2");
        await service.SendTextAsync("g", "4");

        (await client.NextAsync("group-message")).GetProperty("data").GetString().ShouldBe("3");
        (await client.NextAsync("group-message")).GetProperty("data").GetString().ShouldBe("4");
        await client.NextAsync("connected");
        client.Unread("connected").ShouldBe(0);
    }

    [Fact]
    public async Task Only_what_was_not_acknowledged_is_sent_again()
    {
        await using var service = await EmulatedService.StartAsync();
        var url = await service.UrlAsync("g");
        var socket = await service.OpenSocketAsync(url, "json.reliable.webpubsub.azure.v1");
        var connected = JsonDocument.Parse((await socket.NextAsync("message")).GetProperty("data").GetString()!).RootElement;
        foreach (var text in (string[])["a", "b", "c"])
        {
            await service.SendTextAsync("g", text);
            await socket.NextAsync("message");
        }

        await socket.RunAsync("send", new { data = """{"type":"sequenceAck","sequenceId":2}""" });
        await socket.RunAsync("send", new { data = """{"type":"ping"}""" });
        await socket.NextAsync("message");
        await service.DropSocketsAsync();
        await socket.NextAsync("close");
        var again = await service.OpenSocketAsync(
            $"{url}&awps_connection_id={connected.GetProperty("connectionId")}&awps_reconnection_token={connected.GetProperty("reconnectionToken")}",
            "json.reliable.webpubsub.azure.v1");

        (await again.NextAsync("message")).GetProperty("data").GetString()!.ShouldContain("\"connected\"");
        (await again.NextAsync("message")).GetProperty("data").GetString()
            .ShouldBe("""{"sequenceId":3,"type":"message","from":"group","group":"g","dataType":"text","data":"c"}""");
    }

    [Fact]
    public async Task A_connection_that_stays_away_too_long_cannot_be_recovered_and_the_client_makes_a_new_one()
    {
        var time = new ManualTimeProvider();
        time.Advance(DateTimeOffset.UtcNow - time.GetUtcNow() + TimeSpan.FromSeconds(5));
        await using var service = await EmulatedService.StartAsync(time: time);
        var client = await service.ConnectAsync(await service.UrlAsync("g"));
        var first = (await client.NextAsync("connected")).GetProperty("connectionId").GetString();

        await service.FaultsAsync(new { connect = new { status = 503 } });
        await service.DropSocketsAsync();
        await time.TimersSetAsync();
        time.Advance(TimeSpan.FromSeconds(31));
        await service.FaultsAsync(new { });

        (await client.NextAsync("connected")).GetProperty("connectionId").GetString().ShouldNotBe(first);
    }

    [Fact]
    public async Task What_has_expired_meanwhile_is_not_sent_again()
    {
        var time = new ManualTimeProvider();
        time.Advance(DateTimeOffset.UtcNow - time.GetUtcNow() + TimeSpan.FromSeconds(5));
        await using var service = await EmulatedService.StartAsync(time: time);
        var client = await service.ConnectAsync(await service.UrlAsync("g"));
        var sdk = await service.ServerSdkAsync();
        await service.FaultsAsync(new { connect = new { status = 503 } });
        await service.DropSocketsAsync();
        await time.TimersSetAsync();

        await sdk.RunAsync("sendToGroup", new { group = "g", message = "short", options = new { contentType = "text/plain", messageTtlSeconds = 10 } });
        await sdk.RunAsync("sendToGroup", new { group = "g", message = "long", options = new { contentType = "text/plain", messageTtlSeconds = 300 } });
        time.Advance(TimeSpan.FromSeconds(20));
        await service.FaultsAsync(new { });

        (await client.NextAsync("group-message")).GetProperty("data").GetString().ShouldBe("long");
        (await sdk.FailAsync("sendToGroup", new { group = "g", message = "x", options = new { messageTtlSeconds = 301 } })).GetProperty("statusCode").GetInt32().ShouldBe(400);
    }

    [Fact]
    public async Task A_restarted_emulator_is_found_again_by_its_clients()
    {
        await using var service = await EmulatedService.StartAsync();
        var client = await service.ConnectAsync(await service.UrlAsync("g"));
        var first = (await client.NextAsync("connected")).GetProperty("connectionId").GetString();

        await service.RestartAsync();

        (await client.NextAsync("connected")).GetProperty("connectionId").GetString().ShouldNotBe(first);
        await service.SendTextAsync("g", "after");
        (await client.NextAsync("group-message")).GetProperty("data").GetString().ShouldBe("after");
    }

    [Fact]
    public async Task A_wrong_reconnection_token_recovers_nothing()
    {
        await using var service = await EmulatedService.StartAsync();
        var url = await service.UrlAsync("g");
        var client = await service.ConnectAsync(url);
        var id = (await client.NextAsync("connected")).GetProperty("connectionId").GetString();

        var thief = await service.OpenSocketAsync($"{url}&awps_connection_id={id}&awps_reconnection_token=guess", "json.reliable.webpubsub.azure.v1");

        (await thief.NextAsync("close")).GetProperty("code").GetInt32().ShouldBe(1008);
    }

    [Fact]
    public async Task A_client_that_stops_is_forgotten_at_once()
    {
        await using var service = await EmulatedService.StartAsync();
        var client = await service.ConnectAsync(await service.UrlAsync("g"));

        await client.RunAsync("stop");
        await client.NextAsync("stopped");

        var stats = await service.StatsAsync();
        stats.GetProperty("recoverable").GetInt32().ShouldBe(0);
        stats.GetProperty("groups").GetInt32().ShouldBe(0);
    }

    [Fact]
    public async Task A_client_that_acknowledges_nothing_is_closed_before_it_fills_the_memory()
    {
        await using var service = await EmulatedService.StartAsync();
        var socket = await service.OpenSocketAsync(await service.UrlAsync("g"), "json.reliable.webpubsub.azure.v1");

        for (var i = 0; i <= 1000; i++)
        {
            await service.SendTextAsync("g", "x");
        }

        await socket.NextAsync("close");
        (await service.StatsAsync()).GetProperty("recoverable").GetInt32().ShouldBe(0);
    }
}
