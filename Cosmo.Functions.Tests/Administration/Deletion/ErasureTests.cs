using System.Net;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests.Administration.Deletion;

/// <summary>What is deleted is gone everywhere: the questions and answers of its messages too, on a whole host.</summary>
public sealed class ErasureTests(OperatorHost host) : OperatorTest(host)
{
    [Fact]
    public async Task A_deleted_channel_leaves_nothing_of_its_messages()
    {
        await AnsweredAsync("secret-channel", "m1", "Weather in Makati?");
        await AnsweredAsync("secret-channel", "m2", "Hello");
        await AnsweredAsync("kept", "m1", "Hello");
        var instance = await InstanceAsync("secret-channel", "m1");
        var (_, plan) = await Host.SendAsync("DELETE", "threads/secret-channel");

        var (status, body) = await Host.SendAsync("DELETE", "threads/secret-channel?confirm=DELETE");

        status.ShouldBe(HttpStatusCode.OK);
        (plan!["answers_kept"]!.GetValue<int>(), plan["answers_left"]!.GetValue<int>()).ShouldBe((2, 2));
        (body!["answers_kept"]!.GetValue<int>(), body["answers_left"]!.GetValue<int>()).ShouldBe((2, 0));
        (await Host.Stack.ManageAsync(HttpMethod.Get, $"instances/{instance}", Cancellation)).ShouldBe(HttpStatusCode.NotFound);
        (await Host.SendAsync("GET", "conversations/m1?channel=secret-channel")).Status.ShouldBe(HttpStatusCode.NotFound);
        (await KeysAsync()).Where(key => key.Contains("secret-channel")).ShouldBeEmpty();
        (await Host.GetAsync("address:m2")).ShouldBeNull();
        (await Host.SendAsync("GET", "channels/secret-channel/updates")).Body!["updates"]!.AsArray().ShouldBeEmpty();
        (await Host.SendAsync("GET", "threads/kept")).Body!["message_count"]!.GetValue<int>().ShouldBe(1);
        (await Host.SendAsync("GET", "conversations/m1?channel=kept")).Status.ShouldBe(HttpStatusCode.OK);
        (await Host.SendAsync("DELETE", "threads/secret-channel?confirm=DELETE")).Status.ShouldBe(HttpStatusCode.NotFound);
        await AnsweredAsync("secret-channel", "m1", "Another text");
    }

    [Fact]
    public async Task An_answer_that_is_under_way_is_cancelled_and_gone_too()
    {
        await Host.Stack.FaultAsync("""[{ "delayBeforeFirstEvent": 30000 }]""");
        await Host.SendAsync("POST", "channels/busy/messages", """{"message_id": "m1", "message": "Hello"}""");
        await Host.SendAsync("POST", "channels/busy/messages", """{"message_id": "m2", "message": "Hello again"}""");
        await Eventually.IsSoAsync(async () => (await Host.SendAsync("GET", "threads/busy")).Status == HttpStatusCode.OK, () => "The channel has no thread.", Cancellation, seconds: 30);

        var (status, body) = await Host.SendAsync("DELETE", "threads/busy?confirm=DELETE");

        status.ShouldBe(HttpStatusCode.OK);
        (body!["answers_kept"]!.GetValue<int>(), body["answers_left"]!.GetValue<int>()).ShouldBe((2, 0));
        (await KeysAsync()).Where(key => key.Contains("busy")).ShouldBeEmpty();
        await Host.Stack.FaultAsync("[]");
        await AnsweredAsync("busy", "m3", "Hello");
    }

    [Fact]
    public async Task Deleting_all_threads_erases_their_messages_too()
    {
        await AnsweredAsync("first", "m1", "Hello");
        await AnsweredAsync("second", "m1", "Hello");
        var instance = await InstanceAsync("second", "m1");

        await Host.SendAsync("DELETE", "threads?all=true&confirm=DELETE");
        (await Host.EndAsync("thread-deletion"))["progress"]!["removed"]!.GetValue<int>().ShouldBe(2);

        (await KeysAsync()).Where(key => key.Contains("first") || key.Contains("second")).ShouldBeEmpty();
        (await Host.Stack.ManageAsync(HttpMethod.Get, $"instances/{instance}", Cancellation)).ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Dead_letters_go_with_their_channel_or_with_all()
    {
        await Host.Stack.FaultAsync("""[{ "status": 400, "body": { "error": { "message": "bad", "code": "bad" } } }]""");
        await FailedAsync("gone");
        await FailedAsync("kept");
        var (_, plan) = await Host.SendAsync("DELETE", "threads/gone");

        var (_, deleted) = await Host.SendAsync("DELETE", "threads/gone?confirm=DELETE");

        (plan!["dead_letters"]!.GetValue<int>(), deleted!["dead_letters"]!.GetValue<int>()).ShouldBe((1, 1));
        (await LettersAsync()).ShouldBe(["kept"]);
        (await Host.SendAsync("DELETE", "threads?all=true")).Body!["dead_letters"]!.GetValue<int>().ShouldBe(1);
        await Host.SendAsync("DELETE", "threads?all=true&confirm=DELETE");
        await Host.EndAsync("thread-deletion");
        (await LettersAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_key_of_another_type_stops_nothing_and_is_named_to_operators()
    {
        await Host.AddThreadAsync("good", 100, messages: 3);
        await SetHashAsync("metadata:crm");
        await SetHashAsync("thread:broken");

        var (status, statistics) = await Host.SendAsync("GET", "threads/stats");
        var table = await Host.Http.GetStringAsync("threads/stats?format=table", Cancellation);
        var answer = await AnsweredAsync("crm", "m1", "Hello");
        var refused = await AnsweredAsync("broken", "m1", "Hello");
        await Host.Stack.RunFunctionAsync("PruneThreads", Cancellation);
        var pruned = await Host.EndAsync("thread-pruning");

        status.ShouldBe(HttpStatusCode.OK);
        statistics!["total_messages"]!.GetValue<int>().ShouldBe(3);
        statistics["unreadable"]!["count"]!.GetValue<int>().ShouldBe(2);
        statistics["unreadable"]!["keys"]!.AsArray().Select(key => key!.GetValue<string>()).Order()
            .ShouldBe([Host.Stack.RedisPrefix + "metadata:crm", Host.Stack.RedisPrefix + "thread:broken"]);
        table.ShouldMatch(@"Unreadable keys +2\n");
        table.ShouldContain("metadata:crm");
        await Host.LoggedAsync($"{Host.Stack.RedisPrefix}metadata:crm does not hold", Cancellation);
        answer["status"]!.GetValue<string>().ShouldBe("completed");
        refused["message"]!.GetValue<string>().ShouldBe("I encountered an issue while processing your request.");
        pruned["progress"]!["removed"]!.GetValue<int>().ShouldBe(1);
        (await Host.SendAsync("GET", "threads/broken")).Body!["unreadable_keys"]!.AsArray().Count.ShouldBe(1);
        (await Host.SendAsync("DELETE", "threads/broken?confirm=DELETE")).Status.ShouldBe(HttpStatusCode.OK);
        (await KeysAsync()).ShouldNotContain(Host.Stack.RedisPrefix + "thread:broken");
    }

    [Fact]
    public async Task A_Redis_that_refuses_is_not_told_as_one_that_is_away()
    {
        await Host.SetAsync("{threads}:activity", "not a sorted set");

        (await Host.SendAsync("GET", "threads/stats")).ShouldBeProblem(HttpStatusCode.InternalServerError, "refuses the command");
    }

    private async Task FailedAsync(string channel)
    {
        await Host.SendAsync("POST", $"channels/{channel}/messages", """{"message_id": "m1", "message": "Hello"}""");
        await Eventually.IsSoAsync(async () => (await LettersAsync()).Contains(channel), () => "The channel has no dead letter.", Cancellation, seconds: 30);
    }

    /// <summary>The channels of the dead letters.</summary>
    private async Task<IEnumerable<string>> LettersAsync() =>
        (await Host.SendAsync("GET", "dead-letters")).Body!["dead_letters"]!.AsArray().Select(letter => letter!["channel"]!.GetValue<string>());

    /// <summary>Sends a message and waits until its orchestration has ended; its final update.</summary>
    private async Task<JsonObject> AnsweredAsync(string channel, string messageId, string text)
    {
        (await Host.SendAsync("POST", $"channels/{channel}/messages", new JsonObject { ["message_id"] = messageId, ["message"] = text }.ToJsonString()))
            .Status.ShouldBe(HttpStatusCode.Accepted);
        await Eventually.IsSoAsync(async () => (await Host.SendAsync("GET", $"conversations/{messageId}?channel={channel}")).Body!["status"]?.ToString() == "completed", () => "The message was not answered.", Cancellation, seconds: 30);
        return (await Host.SendAsync("GET", $"channels/{channel}/updates")).Body!["updates"]!.AsArray()
            .Select(update => update!["payload"]!.AsObject())
            .Last(payload => payload["message_id"]!.GetValue<string>() == messageId && payload["final_message"]!.GetValue<bool>());
    }

    private async Task<string> InstanceAsync(string channel, string messageId) =>
        (await Host.SendAsync("GET", $"conversations/{messageId}?channel={channel}")).Body!["instance_id"]!.GetValue<string>();

    private Task<string[]> KeysAsync() =>
        Host.Stack.Redis.RunAsync(async database => (string[])(await database.ExecuteAsync("KEYS", Host.Stack.RedisPrefix + "*"))!, Cancellation);

    private Task<bool> SetHashAsync(string key) =>
        Host.Stack.Redis.RunAsync(database => database.HashSetAsync(Host.Stack.RedisPrefix + key, "owner", "x"), Cancellation);
}
