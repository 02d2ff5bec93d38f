namespace Cosmo.Functions.Tests.Local.WebPubSub;

/// <summary>The REST API, through the official server SDK, which takes only the documented statuses.</summary>
public sealed class ServerSdkTests
{
    [Fact]
    public async Task A_group_of_any_name_gets_what_is_sent_to_it()
    {
        await using var service = await EmulatedService.StartAsync();
        var client = await service.ConnectAsync(await service.UrlAsync(EmulatedService.OddGroups));
        var sdk = await service.ServerSdkAsync();

        foreach (var group in EmulatedService.OddGroups)
        {
            await sdk.RunAsync("sendToGroup", new { group, message = new { n = 1 } });
            (await client.NextAsync("group-message")).GetProperty("group").GetString().ShouldBe(group);
        }
    }

    [Fact]
    public async Task All_one_user_and_one_connection_can_be_sent_to()
    {
        await using var service = await EmulatedService.StartAsync();
        var client = await service.ConnectAsync(await service.UrlAsync(user: "u1"));
        var id = (await client.NextAsync("connected")).GetProperty("connectionId").GetString();
        var sdk = await service.ServerSdkAsync();
        var options = new { contentType = "text/plain" };

        await sdk.RunAsync("sendToAll", new { message = "not to you", options = new { contentType = "text/plain", excludedConnections = (string?[])[id] } });
        await sdk.RunAsync("sendToUser", new { user = "another", message = "not to you", options });
        await sdk.RunAsync("sendToConnection", new { id = "none", message = "not to you", options });
        await sdk.RunAsync("sendToAll", new { message = "all", options });
        await sdk.RunAsync("sendToUser", new { user = "u1", message = "user", options });
        await sdk.RunAsync("sendToConnection", new { id, message = "connection", options });

        foreach (var expected in (string[])["all", "user", "connection"])
        {
            (await client.NextAsync("server-message")).GetProperty("data").GetString().ShouldBe(expected);
        }
    }

    [Fact]
    public async Task Membership_follows_what_the_server_says()
    {
        await using var service = await EmulatedService.StartAsync();
        var client = await service.ConnectAsync(await service.UrlAsync(user: "u1"));
        var id = (await client.NextAsync("connected")).GetProperty("connectionId").GetString();
        var sdk = await service.ServerSdkAsync();

        await sdk.RunAsync("addConnection", new { group = "a", id });
        await sdk.RunAsync("addUser", new { group = "b", user = "u1" });
        await sdk.RunAsync("addUser", new { group = "c", user = "u1" });
        await sdk.RunAsync("removeConnection", new { group = "a", id });
        await sdk.RunAsync("removeUser", new { group = "b", user = "u1" });

        (await sdk.RunAsync("groupExists", new { group = "a" })).GetBoolean().ShouldBeFalse();
        (await sdk.RunAsync("groupExists", new { group = "b" })).GetBoolean().ShouldBeFalse();
        (await sdk.RunAsync("groupExists", new { group = "c" })).GetBoolean().ShouldBeTrue();
        await sdk.RunAsync("removeUserFromAllGroups", new { user = "u1" });
        (await sdk.RunAsync("groupExists", new { group = "c" })).GetBoolean().ShouldBeFalse();
        await sdk.RunAsync("addConnection", new { group = "d", id });
        await sdk.RunAsync("removeConnectionFromAllGroups", new { id });
        (await sdk.RunAsync("groupExists", new { group = "d" })).GetBoolean().ShouldBeFalse();
        (await sdk.FailAsync("addConnection", new { group = "a", id = "none" })).GetProperty("statusCode").GetInt32().ShouldBe(404);
    }

    [Fact]
    public async Task Permissions_can_be_granted_asked_for_and_taken_back()
    {
        await using var service = await EmulatedService.StartAsync();
        var client = await service.ConnectAsync(await service.UrlAsync());
        var id = (await client.NextAsync("connected")).GetProperty("connectionId").GetString();
        var sdk = await service.ServerSdkAsync();
        var arguments = new { id, permission = "joinLeaveGroup", options = new { targetName = "g" } };

        (await sdk.RunAsync("hasPermission", arguments)).GetBoolean().ShouldBeFalse();
        await sdk.RunAsync("grantPermission", arguments);
        (await sdk.RunAsync("hasPermission", arguments)).GetBoolean().ShouldBeTrue();
        await client.RunAsync("joinGroup", new { group = "g" });
        await sdk.RunAsync("revokePermission", arguments);
        await client.FailAsync("leaveGroup", new { group = "g" });
    }

    [Fact]
    public async Task A_closed_reliable_client_takes_it_as_an_end_and_not_as_a_fault_of_the_network()
    {
        await using var service = await EmulatedService.StartAsync();
        var client = await service.ConnectAsync(await service.UrlAsync(user: "u1"));
        var id = (await client.NextAsync("connected")).GetProperty("connectionId").GetString();
        var sdk = await service.ServerSdkAsync();

        (await sdk.RunAsync("connectionExists", new { id })).GetBoolean().ShouldBeTrue();
        await sdk.RunAsync("closeConnection", new { id, options = new { reason = "enough" } });

        (await client.NextAsync("disconnected")).GetProperty("message").GetString().ShouldBe("enough");
        (await sdk.RunAsync("connectionExists", new { id })).GetBoolean().ShouldBeFalse();
        (await client.NextAsync("connected")).GetProperty("connectionId").GetString().ShouldNotBe(id);
        await sdk.RunAsync("closeUserConnections", new { user = "u1" });
        await client.NextAsync("disconnected");
    }

    [Theory]
    [InlineData("json.reliable.webpubsub.azure.v1", 1008)]
    [InlineData("json.webpubsub.azure.v1", 1000)]
    public async Task A_close_has_the_code_that_ends_it_for_the_clients_protocol(string subprotocol, int code)
    {
        await using var service = await EmulatedService.StartAsync();
        var socket = await service.OpenSocketAsync(await service.UrlAsync(), subprotocol);
        var sdk = await service.ServerSdkAsync();

        await sdk.RunAsync("closeAllConnections");

        (await socket.NextAsync("close")).GetProperty("code").GetInt32().ShouldBe(code);
    }

    [Fact]
    public async Task A_filter_says_who_gets_a_message_and_who_is_in_a_group()
    {
        await using var service = await EmulatedService.StartAsync();
        var one = await service.ConnectAsync(await service.UrlAsync("g", "u1"));
        var other = await service.ConnectAsync(await service.UrlAsync("g", "u2"));
        var sdk = await service.ServerSdkAsync();

        await sdk.RunAsync("sendToAll", new { message = "not u2", options = new { contentType = "text/plain", filter = "userId ne 'u2'" } });
        await sdk.RunAsync("sendToGroup", new { group = "g", message = "u2", options = new { contentType = "text/plain", filter = "userId eq 'u2' and 'g' in groups" } });
        await sdk.RunAsync("addConnectionsToGroups", new { groups = (string[])["a", "b"], filter = "startswith(userId, 'u') and userId gt 'u1'" });
        await sdk.RunAsync("sendToGroup", new { group = "a", message = "a", options = new { contentType = "text/plain" } });
        await sdk.RunAsync("removeConnectionsFromGroups", new { groups = (string[])["a"], filter = "userId eq 'u2'" });

        (await one.NextAsync("server-message")).GetProperty("data").GetString().ShouldBe("not u2");
        (await other.NextAsync("group-message")).GetProperty("data").GetString().ShouldBe("u2");
        (await other.NextAsync("group-message")).GetProperty("data").GetString().ShouldBe("a");
        (await sdk.RunAsync("groupExists", new { group = "a" })).GetBoolean().ShouldBeFalse();
        (await sdk.RunAsync("groupExists", new { group = "b" })).GetBoolean().ShouldBeTrue();
        one.Unread("group-message").ShouldBe(0);
        var error = await sdk.FailAsync("sendToAll", new { message = "x", options = new { filter = "userId is 'u1'" } });
        error.GetProperty("statusCode").GetInt32().ShouldBe(400);
        error.GetProperty("message").GetString()!.ShouldContain("'is' at position 7 is not expected");
    }

    [Fact]
    public async Task The_members_of_a_group_are_listed_by_the_page_and_up_to_a_number()
    {
        await using var service = await EmulatedService.StartAsync();
        for (var member = 0; member < 5; member++)
        {
            await service.OpenSocketAsync(await service.UrlAsync("g", $"u{member}"));
        }

        var sdk = await service.ServerSdkAsync();

        var all = await sdk.RunAsync("listConnections", new { group = "g", options = new { maxPageSize = 2 } });
        var some = await sdk.RunAsync("listConnections", new { group = "g", options = new { maxPageSize = 2, top = 3 } });

        all.EnumerateArray().Select(connection => connection.GetProperty("userId").GetString()).Order(StringComparer.Ordinal).ShouldBe(["u0", "u1", "u2", "u3", "u4"]);
        some.GetArrayLength().ShouldBe(3);
    }

    [Fact]
    public async Task A_groups_connections_are_closed_but_for_those_that_are_left_out()
    {
        await using var service = await EmulatedService.StartAsync();
        var closed = await service.ConnectAsync(await service.UrlAsync("g"), reliable: false);
        var spared = await service.ConnectAsync(await service.UrlAsync("g"), reliable: false);
        var id = (await spared.NextAsync("connected")).GetProperty("connectionId").GetString();
        var sdk = await service.ServerSdkAsync();

        await sdk.RunAsync("closeGroupConnections", new { group = "g", options = new { excluded = (string?[])[id], reason = "enough" } });

        (await closed.NextAsync("disconnected")).GetProperty("message").GetString().ShouldBe("enough");
        (await sdk.RunAsync("connectionExists", new { id })).GetBoolean().ShouldBeTrue();
    }
}
