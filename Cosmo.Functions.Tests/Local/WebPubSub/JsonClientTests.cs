using Cosmo.Local.Emulators.WebPubSub.Clients;

namespace Cosmo.Functions.Tests.Local.WebPubSub;

/// <summary>Both JSON protocols, through the official client.</summary>
public sealed class JsonClientTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_gets_the_messages_of_its_tokens_group_without_joining(bool reliable)
    {
        await using var service = await EmulatedService.StartAsync();
        var client = await service.ConnectAsync(await service.UrlAsync("g", "u1"), reliable);
        (await client.NextAsync("connected")).GetProperty("userId").GetString().ShouldBe("u1");

        await service.SendJsonAsync("other", new { text = "not mine" });
        await service.SendJsonAsync("g", new { text = "é" });
        await service.SendTextAsync("g", "plain \"text\"");

        var json = await client.NextAsync("group-message");
        json.GetProperty("group").GetString().ShouldBe("g");
        json.GetProperty("dataType").GetString().ShouldBe("json");
        json.GetProperty("data").GetProperty("text").GetString().ShouldBe("é");
        json.TryGetProperty("fromUserId", out _).ShouldBeFalse();
        (await client.NextAsync("group-message")).GetProperty("data").GetString().ShouldBe("plain \"text\"");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_cannot_join_a_group_without_the_role_for_it(bool reliable)
    {
        await using var service = await EmulatedService.StartAsync();
        var client = await service.ConnectAsync(await service.UrlAsync("mine", null, "webpubsub.joinLeaveGroup.allowed"), reliable);

        var error = await client.FailAsync("joinGroup", new { group = "other" });
        await client.RunAsync("joinGroup", new { group = "allowed" });
        await service.SendTextAsync("other", "not for me");
        await service.SendTextAsync("allowed", "for me");

        error.GetProperty("detail").GetProperty("name").GetString().ShouldBe("Forbidden");
        (await client.NextAsync("group-message")).GetProperty("data").GetString().ShouldBe("for me");
    }

    [Fact]
    public async Task A_client_that_left_a_group_gets_nothing_of_it()
    {
        await using var service = await EmulatedService.StartAsync();
        var client = await service.ConnectAsync(await service.UrlAsync("g", null, "webpubsub.joinLeaveGroup.left"));
        await client.RunAsync("joinGroup", new { group = "left" });

        await client.RunAsync("leaveGroup", new { group = "left" });
        await service.SendTextAsync("left", "gone");
        await service.SendTextAsync("g", "still here");

        (await client.NextAsync("group-message")).GetProperty("data").GetString().ShouldBe("still here");
    }

    [Fact]
    public async Task Membership_gives_no_right_to_publish()
    {
        await using var service = await EmulatedService.StartAsync();
        var client = await service.ConnectAsync(await service.UrlAsync("g"));

        var error = await client.FailAsync("sendToGroup", new { group = "g", data = "x", dataType = "text" });

        error.GetProperty("detail").GetProperty("name").GetString().ShouldBe("Forbidden");
    }

    [Fact]
    public async Task A_published_message_reaches_the_group_with_its_sender_but_not_the_sender_who_wants_no_echo()
    {
        await using var service = await EmulatedService.StartAsync();
        var reader = await service.ConnectAsync(await service.UrlAsync("g", "reader"));
        var writer = await service.ConnectAsync(await service.UrlAsync("g", "writer", "webpubsub.sendToGroup"), reliable: false);

        await writer.RunAsync("sendToGroup", new { group = "g", data = new { n = 1 }, dataType = "json", noEcho = true });
        await writer.RunAsync("sendToGroup", new { group = "g", data = new { n = 2 }, dataType = "json", noEcho = false });

        var first = await reader.NextAsync("group-message");
        first.GetProperty("fromUserId").GetString().ShouldBe("writer");
        first.GetProperty("data").GetProperty("n").GetInt32().ShouldBe(1);
        (await writer.NextAsync("group-message")).GetProperty("data").GetProperty("n").GetInt32().ShouldBe(2);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_older_client_listens_joins_and_publishes_too(bool reliable)
    {
        await using var service = await EmulatedService.StartAsync();
        var client = await service.ConnectAsync(await service.UrlAsync(null, "u1", "webpubsub.joinLeaveGroup.g", "webpubsub.sendToGroup.g"), reliable, "1.0");

        await client.RunAsync("joinGroup", new { group = "g" });
        await client.RunAsync("sendToGroup", new { group = "g", data = "hi", dataType = "text", noEcho = false });

        (await client.NextAsync("group-message")).GetProperty("data").GetString().ShouldBe("hi");
    }

    [Theory]
    [InlineData("news.*", "news.de", true)]
    [InlineData("news.*", "news.de.berlin", false)]
    [InlineData("news.**", "news.de.berlin", true)]
    [InlineData("news.??", "news.de", true)]
    [InlineData("news.??", "news.d.", false)]
    [InlineData(@"news.\*", "news.*", true)]
    [InlineData(@"news.\*", "news.de", false)]
    [InlineData("*.*.*.*.*.*", "1.2.3.4.5.6", false)]
    [InlineData("(a|b)", "a", false)]
    public void A_role_may_name_groups_by_a_pattern(string pattern, string group, bool isAllowed)
    {
        var permissions = new Permissions([$"webpubsub.joinLeaveGroups.{pattern}"]);

        permissions.Allows(Permissions.JoinLeaveGroup, group).ShouldBe(isAllowed);
        permissions.Allows(Permissions.SendToGroup, group).ShouldBeFalse();
    }

    [Fact]
    public async Task A_request_with_a_known_ack_id_is_not_carried_out_again()
    {
        await using var service = await EmulatedService.StartAsync();
        var socket = await service.OpenSocketAsync(await service.UrlAsync("g", null, "webpubsub.sendToGroup.g"), "json.webpubsub.azure.v1");
        await socket.NextAsync("message");

        var request = """{"type":"sendToGroup","group":"g","ackId":7,"dataType":"text","data":"once","noEcho":true}""";
        await socket.RunAsync("send", new { data = request });
        await socket.RunAsync("send", new { data = request });

        (await socket.NextAsync("message")).GetProperty("data").GetString().ShouldBe("""{"type":"ack","ackId":7,"success":true}""");
        (await socket.NextAsync("message")).GetProperty("data").GetString()!.ShouldContain("\"Duplicate\"");
    }

    [Fact]
    public async Task Pings_keep_an_idle_client_connected()
    {
        await using var service = await EmulatedService.StartAsync();
        var socket = await service.OpenSocketAsync(await service.UrlAsync("g"), "json.webpubsub.azure.v1");
        await socket.NextAsync("message");

        await socket.RunAsync("send", new { data = """{"type":"ping"}""" });

        (await socket.NextAsync("message")).GetProperty("data").GetString().ShouldBe("""{"type":"pong"}""");
    }

    [Fact]
    public async Task A_malformed_frame_ends_the_connection_with_the_reason()
    {
        await using var service = await EmulatedService.StartAsync();
        var socket = await service.OpenSocketAsync(await service.UrlAsync("g"), "json.webpubsub.azure.v1");
        await socket.NextAsync("message");

        await socket.RunAsync("send", new { data = """{"type":"joinGroup"}""" });

        (await socket.NextAsync("message")).GetProperty("data").GetString()!.ShouldContain("The property group is missing");
        (await socket.NextAsync("close")).GetProperty("code").GetInt32().ShouldBe(1008);
    }
}
