using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests.Administration;

public sealed class HealthFunctionsTests(OperatorHost host) : OperatorTest(host)
{
    [Theory]
    [InlineData("health")]
    [InlineData("health/ready")]
    public async Task It_says_how_what_it_needs_is_without_a_key(string address)
    {
        var (status, body) = await GetAsync(address);

        status.ShouldBe(HttpStatusCode.OK);
        body.ToJsonString().ShouldBe("""{"status":"healthy","redis":"healthy","rabbitmq":"healthy","consumers":1}""");
    }

    [Fact]
    public async Task An_app_that_gets_its_messages_is_alive()
    {
        var (status, body) = await GetAsync("health/live");

        status.ShouldBe(HttpStatusCode.OK);
        body.ToJsonString().ShouldBe("""{"status":"healthy"}""");
    }

    private async Task<(HttpStatusCode Status, JsonObject Body)> GetAsync(string address)
    {
        using var answer = await Host.Stranger.GetAsync(address, Cancellation);
        return (answer.StatusCode, (await answer.Content.ReadFromJsonAsync<JsonObject>(Cancellation))!);
    }
}
