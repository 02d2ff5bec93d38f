using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>A browser behind App Service authentication, where only signed-in users may send.</summary>
public sealed class ToolsAuthenticationTests(AuthenticatedToolsFixture tools) : IClassFixture<AuthenticatedToolsFixture>
{
    private static readonly JsonObject Question = new() { ["message_id"] = "m", ["message"] = "What is the role of ana.reyes@example.com?" };

    [Theory]
    [InlineData("auditor", "System Administrator")]
    [InlineData("reader", "I cannot look up the role")]
    public async Task Its_roles_are_those_that_the_platform_names(string role, string answer)
    {
        await using var client = await tools.OpenAsync($"c-{Guid.NewGuid():n}", ToolsFixture.Principal(role));

        await client.SendAsync(Question);

        (await client.FinalAsync("m"))["message"]!.GetValue<string>().ShouldContain(answer);
    }

    [Fact]
    public async Task Who_is_not_signed_in_may_listen_but_not_send()
    {
        var channel = $"c-{Guid.NewGuid():n}";
        await using var client = await tools.OpenAsync(channel);

        await client.SendAsync(Question);
        (await client.FinalAsync("m"))["message"]!.GetValue<string>().ShouldBe("Please sign in to send messages.");

        await tools.SendAsync(channel, "Hello");
        (await client.FinalAsync("m"))["status"]!.GetValue<string>().ShouldBe("completed");
    }

    [Fact]
    public async Task A_principal_that_cannot_be_read_is_nobody()
    {
        await using var client = await tools.OpenAsync($"c-{Guid.NewGuid():n}", ("X-MS-CLIENT-PRINCIPAL", "auditor"));

        await client.SendAsync(Question);

        (await client.FinalAsync("m"))["message"]!.GetValue<string>().ShouldBe("Please sign in to send messages.");
    }
}
