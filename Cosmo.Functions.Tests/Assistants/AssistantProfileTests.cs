using Cosmo.Functions.Assistants;
using Cosmo.Functions.Assistants.Profiles;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace Cosmo.Functions.Tests.Assistants;

public sealed class AssistantProfileTests
{
    private static readonly Uri Nowhere = new("http://127.0.0.1:9");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_id_is_that_of_the_content()
    {
        await using var one = new AssistantSetup(Nowhere);
        await using var same = new AssistantSetup(Nowhere);
        await using var otherModel = new AssistantSetup(Nowhere, new Dictionary<string, string?> { ["Cosmo:Assistants:Model"] = "gpt-6-luna" });
        await using var fewerTools = new AssistantSetup(Nowhere, new Dictionary<string, string?> { ["Cosmo:Tools:Weather:ApiKey"] = "" });

        var id = one.Get<ProfileCatalog>().Id;

        id.ShouldStartWith("asst_");
        same.Get<ProfileCatalog>().Id.ShouldBe(id);
        otherModel.Get<ProfileCatalog>().Id.ShouldNotBe(id);
        fewerTools.Get<ProfileCatalog>().Id.ShouldNotBe(id);
    }

    [Fact]
    public async Task The_id_stands_where_the_contract_has_it_and_only_itself_is_deleted()
    {
        await using var redis = new TestRedis();
        await using var setup = new AssistantSetup(Nowhere, redis: redis.Connection);
        var store = setup.Get<AssistantProfileStore>();
        (await store.FindAsync(Cancellation)).ShouldBeNull();

        var id = await store.SaveAsync(Cancellation);

        (await redis.Connection.RunAsync(async database => (string?)await database.StringGetAsync(redis.Prefix + "assistant_id"), Cancellation)).ShouldBe(id);
        (await store.DeleteAsync("asst_other", Cancellation)).ShouldBeFalse();
        (await store.FindAsync(Cancellation)).ShouldBe(id);
        (await store.DeleteAsync(id, Cancellation)).ShouldBeTrue();
        (await store.FindAsync(Cancellation)).ShouldBeNull();
    }

    [Theory]
    [InlineData("2026-04-30", true)]
    [InlineData("2026-01-30", true)]
    [InlineData("2026-06-01", false)]
    [InlineData(null, false)]
    public async Task Start_up_warns_of_a_model_that_is_retired_within_ninety_days(string? date, bool warned)
    {
        var shutdown = date is null ? "null" : $"\"{date}\"";

        var logs = await StartAsync(200, $$"""{"id":"gpt-4o-mini","object":"model","created":1,"owned_by":"openai","shutdown_date":{{shutdown}}}""");

        logs.Contains("Warning 304", StringComparison.Ordinal).ShouldBe(warned);
    }

    [Fact]
    public async Task Start_up_says_that_a_model_is_not_to_be_had() =>
        (await StartAsync(404, """{"error":{"message":"The model 'gpt-4o-mini' does not exist","type":"invalid_request_error","param":"model","code":"model_not_found"}}"""))
            .ShouldContain("Error 305");

    [Theory]
    [InlineData(404, "{}")]
    [InlineData(500, "oops")]
    [InlineData(200, "oops")]
    [InlineData(200, "[]")]
    [InlineData(200, """{"shutdown_date":5}""")]
    public async Task Start_up_does_not_mind_a_service_that_cannot_tell(int status, string body) =>
        (await StartAsync(status, body)).ShouldNotMatch("(?m)^(Warning|Error|Critical)");

    private static async Task<string> StartAsync(int status, string body)
    {
        await using var openAI = await HttpStub.StartAsync(context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = "application/json";
            return context.Response.WriteAsync(body);
        });
        await using var redis = new TestRedis();
        await using var setup = new AssistantSetup(openAI.Url, redis: redis.Connection);
        var startup = setup.Get<IEnumerable<IHostedService>>().OfType<AssistantStartup>().Single();
        await startup.StartAsync(Cancellation);
        await startup.ExecuteTask!;
        openAI.Requests.ShouldBe(["/v1/models/gpt-4o-mini"]);
        return setup.Logs.Text;
    }
}
