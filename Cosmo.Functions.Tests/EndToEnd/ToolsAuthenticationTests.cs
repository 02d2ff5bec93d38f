using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>A browser behind App Service authentication.</summary>
public sealed class ToolsAuthenticationTests(AuthenticatedToolsFixture tools) : IClassFixture<AuthenticatedToolsFixture>
{
    [Theory]
    [InlineData(true, "auditor", "System Administrator")]
    [InlineData(true, "reader", "I cannot look up the role")]
    [InlineData(false, "", "I cannot look up the role")]
    public async Task Its_roles_are_those_that_the_platform_names(bool signedIn, string role, string answer)
    {
        await using var client = await tools.OpenAsync($"c-{Guid.NewGuid():n}", signedIn ? ToolsFixture.Principal(role) : []);

        await client.SendAsync(new JsonObject { ["message_id"] = "m", ["message"] = "What is the role of ana.reyes@example.com?" });

        (await client.FinalAsync("m"))["message"]!.GetValue<string>().ShouldContain(answer);
    }

    [Fact]
    public async Task A_principal_that_cannot_be_read_is_nobody()
    {
        await using var client = await tools.OpenAsync($"c-{Guid.NewGuid():n}", ("X-MS-CLIENT-PRINCIPAL", "auditor"));

        await client.SendAsync(new JsonObject { ["message_id"] = "m", ["message"] = "What is the role of ana.reyes@example.com?" });

        (await client.FinalAsync("m"))["message"]!.GetValue<string>().ShouldContain("I cannot look up the role");
    }
}
