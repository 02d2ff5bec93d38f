namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>A question of each field, and its answer from the source.</summary>
public sealed class ToolsAnswerTests(ToolsFixture shared) : SharedStackTest(shared)
{
    private const string Auditor = """{"id": "u-1", "roles": ["auditor"]}""";

    [Theory]
    [InlineData("Weather in Davao?", "Davao", "/geo/1.0/direct?limit=1&q=Davao", "/data/2.5/weather?units=metric&lat=7.0648&lon=125.608")]
    [InlineData("Show me the audit logs of juan.delacruz@example.com", "Moved lead 311 to negotiation", "/audit/juan.delacruz@example.com")]
    [InlineData("What is the role of juan.delacruz@example.com?", "Account Executive", "/users/juan.delacruz@example.com/role")]
    [InlineData("How many active clients do we have per service?", "Private Offices")]
    [InlineData("Which offices are available in Cebu for 20 people?", "IT Park 7")]
    public async Task A_question_is_answered_from_the_source_of_its_field(string question, string answer, params string[] requests)
    {
        var channel = $"c-{Guid.NewGuid():n}";
        await using var client = await Shared.OpenAsync(channel);

        await Shared.SendAsync(channel, question, Auditor);
        var final = await client.FinalAsync("m");

        final["message"]!.GetValue<string>().ShouldContain(answer);
        requests.ShouldBeSubsetOf(await Shared.AskedAsync());
    }
}
