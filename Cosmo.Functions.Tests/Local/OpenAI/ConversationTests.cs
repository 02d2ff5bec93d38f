using System.ClientModel;
using System.ClientModel.Primitives;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using OpenAI.Conversations;

namespace Cosmo.Functions.Tests.Local.OpenAI;

public sealed class ConversationTests(EmulatorFixture emulator) : IClassFixture<EmulatorFixture>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_conversation_is_made_read_changed_and_deleted()
    {
        var made = (await emulator.Conversations.CreateConversationAsync(new ConversationCreationOptions { Metadata = { ["channel"] = "c1" } }, Cancel)).Value;
        (await emulator.Conversations.GetConversationAsync(made.Id, Cancel)).Value.Metadata["channel"].ShouldBe("c1");
        await emulator.Conversations.UpdateConversationAsync(made.Id, new ConversationUpdateOptions(new Dictionary<string, string> { ["channel"] = "c2" }), Cancel);
        (await emulator.Conversations.GetConversationAsync(made.Id, Cancel)).Value.Metadata["channel"].ShouldBe("c2");

        (await emulator.Conversations.DeleteConversationAsync(made.Id, Cancel)).Value.Deleted.ShouldBeTrue();

        var gone = await Should.ThrowAsync<ClientResultException>(() => emulator.Conversations.DeleteConversationAsync(made.Id, Cancel));
        gone.Status.ShouldBe(404);
        gone.Message.ShouldContain($"Conversation with id '{made.Id}' not found.");
    }

    [Fact]
    public async Task A_completed_response_adds_its_input_and_output()
    {
        var conversation = await emulator.NewConversationAsync();
        var asked = await StreamedResponse.ReadAsync(emulator.Responses, Ask.Question(conversation, "Weather in Makati?"));
        await StreamedResponse.ReadAsync(emulator.Responses, Ask.Outputs(conversation, (asked.Calls[0].CallId, "{}")));

        (await emulator.ItemsAsync(conversation)).Select(item => item!["type"]!.ToString())
            .ShouldBe(["message", "function_call", "function_call_output", "message"]);
    }

    [Fact]
    public async Task The_next_request_may_come_as_soon_as_the_completed_event_is_read()
    {
        var conversation = await emulator.NewConversationAsync();
        for (var round = 0; round < 20; round++)
        {
            await StreamedResponse.ReadAsync(emulator.Responses, Ask.Question(conversation, "Hello"));
        }

        (await emulator.ItemsAsync(conversation)).Count.ShouldBe(40);
    }

    [Fact]
    public async Task A_second_response_on_a_conversation_in_use_is_refused()
    {
        var conversation = await emulator.NewConversationAsync();
        await emulator.SetAsync("faults", $$"""[{"conversation":"{{conversation}}","stallAfterTokens":3,"times":1}]""");
        await using var running = await emulator.Responses.CreateResponseStreamingAsync(Ask.Question(conversation, "Hello"), Cancel);

        var refused = await Should.ThrowAsync<ClientResultException>(() => emulator.Responses.CreateResponseStreamingAsync(Ask.Question(conversation, "Hello again"), Cancel));

        refused.Status.ShouldBe(400);
        refused.Message.ShouldContain("conversation_locked");
    }

    [Fact]
    public async Task A_call_that_nobody_answered_poisons_the_conversation_until_it_is_answered()
    {
        var conversation = await emulator.NewConversationAsync();
        var asked = await StreamedResponse.ReadAsync(emulator.Responses, Ask.Question(conversation, "Weather in Makati?"));
        var callId = asked.Calls[0].CallId;

        var refused = await Should.ThrowAsync<ClientResultException>(() => emulator.Responses.CreateResponseStreamingAsync(Ask.Question(conversation, "Hello"), Cancel));
        refused.Status.ShouldBe(400);
        refused.Message.ShouldContain($"No tool output found for function call {callId}.");

        var output = BinaryContent.Create(BinaryData.FromString($$"""{"items":[{"type":"function_call_output","call_id":"{{callId}}","output":"Not carried out."}]}"""));
        await emulator.Conversations.CreateConversationItemsAsync(conversation, output, options: new RequestOptions { CancellationToken = Cancel });
        (await StreamedResponse.ReadAsync(emulator.Responses, Ask.Question(conversation, "Hello"))).Completed.ShouldNotBeNull();
    }

    [Fact]
    public async Task An_output_without_its_call_is_refused()
    {
        var refused = await Should.ThrowAsync<ClientResultException>(() =>
            emulator.Responses.CreateResponseStreamingAsync(Ask.Outputs(null, ("call_unknown", "{}")), Cancel));

        refused.Status.ShouldBe(400);
        refused.Message.ShouldContain("No tool call found for function call output with call_id call_unknown.");
    }

    [Fact]
    public async Task A_response_in_a_missing_conversation_is_a_404()
    {
        var missing = await Should.ThrowAsync<ClientResultException>(() => emulator.Responses.CreateResponseStreamingAsync(Ask.Question("conv_missing", "Hello"), Cancel));

        missing.Status.ShouldBe(404);
        missing.Message.ShouldContain("Conversation with id 'conv_missing' not found.");
    }

    [Theory]
    [InlineData("asc")]
    [InlineData("desc")]
    public async Task Items_are_paged_in_either_order(string order)
    {
        var conversation = await emulator.NewConversationAsync();
        for (var question = 0; question < 4; question++)
        {
            await StreamedResponse.ReadAsync(emulator.Responses, Ask.Question(conversation, $"Hello {question}"));
        }

        var pages = new List<JsonObject>();
        await foreach (var page in emulator.Conversations.GetConversationItemsAsync(conversation, 3, order, null, null, new RequestOptions { CancellationToken = Cancel }).GetRawPagesAsync())
        {
            pages.Add(JsonNode.Parse(page.GetRawResponse().Content)!.AsObject());
        }

        pages.Select(page => page["data"]!.AsArray().Count).ShouldBe([3, 3, 2]);
        var all = (await emulator.ItemsAsync(conversation)).Select(item => item!["id"]!.ToString());
        pages.SelectMany(page => page["data"]!.AsArray()).Select(item => item!["id"]!.ToString()).ShouldBe(order == "asc" ? all : all.Reverse());
    }

    [Fact]
    public async Task An_item_is_read_and_deleted_by_its_id()
    {
        var conversation = await emulator.NewConversationAsync();
        await StreamedResponse.ReadAsync(emulator.Responses, Ask.Question(conversation, "Hello"));
        var id = (await emulator.ItemsAsync(conversation))[0]!["id"]!.ToString();

        (await emulator.Http.GetFromJsonAsync<JsonObject>($"v1/conversations/{conversation}/items/{id}", Cancel))!["role"]!.ToString().ShouldBe("user");
        using var deleted = await emulator.Http.DeleteAsync($"v1/conversations/{conversation}/items/{id}", Cancel);
        using var again = await emulator.Http.DeleteAsync($"v1/conversations/{conversation}/items/{id}", Cancel);

        deleted.StatusCode.ShouldBe(HttpStatusCode.OK);
        again.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await emulator.ItemsAsync(conversation)).Count.ShouldBe(1);
    }
}
