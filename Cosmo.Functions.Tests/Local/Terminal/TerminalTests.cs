using System.Text.Json.Nodes;
using Cosmo.Functions.Tests.Administration;

namespace Cosmo.Functions.Tests.Local.Terminal;

/// <summary>The verbs of the terminal as processes, on a running Cosmo.</summary>
public sealed class TerminalTests(OperatorHost host) : OperatorTest(host)
{
    [Fact]
    public async Task Stats_are_a_table_and_JSON()
    {
        await Host.AddThreadAsync("a[b]", 3, messages: 5);

        var table = await RunAsync("stats");
        var json = await RunAsync("stats", "--json");

        table.ExitCode.ShouldBe(0, table.Error);
        table.Output.ShouldContain("a[b]");
        table.Output.ShouldContain("100");
        JsonNode.Parse(json.Output)!["total_messages"]!.GetValue<int>().ShouldBe(5);
    }

    [Fact]
    public async Task A_message_is_sent_and_its_answer_printed()
    {
        var sent = await RunAsync("send", "demo", "Hello");

        sent.ExitCode.ShouldBe(0, sent.Error);
        sent.Output.Trim().ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_message_is_sent_in_the_place_of_another()
    {
        await RunAsync("send", "replacing", "Hello");
        var messages = (await Host.SendAsync("GET", "channels/replacing/messages")).Body!["messages"]!.AsArray();

        var sent = await RunAsync("send", "replacing", "Hello", "--replaces", messages[0]!["message_id"]!.GetValue<string>());
        var refused = await RunAsync("send", "replacing", "Hello", "--replaces", "nothing");

        sent.ExitCode.ShouldBe(0, sent.Error);
        (await Host.SendAsync("GET", "channels/replacing/messages")).Body!["messages"]!.AsArray().Count.ShouldBe(2);
        refused.Error.ShouldContain("'nothing'");
    }

    [Fact]
    public async Task What_was_said_in_a_channel_is_a_table_and_it_gets_an_owner()
    {
        await RunAsync("send", "of a user", "Hello [there]", "--profile", "cosmo");

        var said = await RunAsync("channel", "messages", "of a user", "--limit", "2", "--json");
        var table = await RunAsync("channel", "messages", "of a user");
        var owned = await RunAsync("channel", "owner", "of a user", "ana", "--issuer", "backend");

        JsonNode.Parse(said.Output)!["messages"]!.AsArray().Select(message => message!["role"]!.GetValue<string>()).ShouldBe(["assistant", "user"]);
        table.Output.ShouldContain("[there]");
        (owned.ExitCode, owned.Output.Contains("backend:ana", StringComparison.Ordinal)).ShouldBe((0, true), owned.Error + owned.Output);
    }

    [Fact]
    public async Task Feedback_is_a_table_and_JSON()
    {
        var none = await RunAsync("feedback");
        await RunAsync("send", "demo", "Hello");
        var messages = (await Host.SendAsync("GET", "channels/demo/messages")).Body!["messages"]!.AsArray();
        await Host.SendAsync("POST", $"channels/demo/messages/{messages[0]!["message_id"]}/feedback", """{"rating": "down", "comment": "It [rained]."}""");

        var table = await RunAsync("feedback", "--days", "7", "--rating", "down");
        var json = await RunAsync("feedback", "--json");

        none.Output.ShouldBe("There is no feedback.\n");
        table.ExitCode.ShouldBe(0, table.Error);
        table.Output.ShouldContain("[rained]");
        JsonNode.Parse(json.Output)!["feedback"]!.AsArray().ShouldHaveSingleItem()!["channel"]!.GetValue<string>().ShouldBe("demo");
    }

    [Fact]
    public async Task A_message_that_fails_ends_with_its_sentence_and_an_error_code()
    {
        await Host.Stack.FaultAsync("""[{ "status": 400 }]""");

        var sent = await RunAsync("send", "demo", "Hello");

        sent.ExitCode.ShouldBe(1);
        sent.Error.ShouldContain("There was an issue with your request format. Please try again.");
    }

    [Fact]
    public async Task An_answer_is_told_with_its_steps_and_so_is_one_that_failed_when_its_updates_are_gone()
    {
        await RunAsync("send", "told", "What is the weather in Makati?");
        var id = (await Host.SendAsync("GET", "channels/told/messages")).Body!["messages"]![0]!["message_id"]!.GetValue<string>();
        await Host.Stack.FaultAsync("""[{ "status": 400 }]""");
        await Host.SendAsync("POST", "channels/failed/messages", """{"message_id": "m", "message": "Hello"}""");
        while ((await Host.SendAsync("GET", "operator/channels/failed/messages/m/timeline")).Body!["outcome"] is null)
        {
            await Task.Delay(20, Cancellation);
        }

        await Host.Stack.Redis.RunAsync(database => database.KeyDeleteAsync(Cosmo.Functions.Hosting.RedisKeys.ForChannel(Host.Stack.RedisPrefix, "updates", "failed")), Cancellation);

        var told = (await Host.SendAsync("GET", $"operator/channels/told/messages/{id}/timeline")).Body!;
        var bars = await RunAsync("answer", "told", id);
        var failed = await RunAsync("answer", "failed", "m");
        var none = await RunAsync("answer", "told", "nothing");

        told["steps"]!.AsArray().Select(step => step!["kind"]!.GetValue<string>()).ShouldBe(["turn", "round", "tool", "round"]);
        told["steps"]![2]!["state"]!.GetValue<string>().ShouldBe("done");
        DateTimeOffset[] times = [.. new[] { "received_at", "turn_at", "first_text_at", "told_at" }.Select(name => told[name]!.GetValue<DateTimeOffset>())];
        times.ShouldBeInOrder();
        told["updates"]!.AsArray()[^1]!["final_message"]!.GetValue<bool>().ShouldBeTrue();
        bars.ExitCode.ShouldBe(0, bars.Error);
        bars.Output.ShouldContain("get_weather");
        bars.Output.ShouldContain("█");
        failed.Output.ShouldContain("invalid_request");
        failed.Output.ShouldContain("dead letter");
        failed.Output.ShouldContain("not known any more");
        none.ExitCode.ShouldBe(3);
    }

    [Fact]
    public async Task A_delete_asks_for_the_typed_word()
    {
        await Host.AddThreadAsync("a", 100);

        var refused = await RunAsync("yes\n", "threads", "clear", "a");
        (await Host.GetAsync("thread:a")).ShouldNotBeNull();
        var typed = await RunAsync("DELETE\n", "threads", "clear", "a");

        refused.ExitCode.ShouldBe(2);
        refused.Error.ShouldContain("Nothing was deleted.");
        typed.ExitCode.ShouldBe(0, typed.Error);
        (await Host.GetAsync("thread:a")).ShouldBeNull();
    }

    [Fact]
    public async Task Old_threads_are_cleared_and_followed_to_the_end()
    {
        await Host.AddThreadAsync("old", 100);
        await Host.AddThreadAsync("young", 1);

        var cleared = await RunAsync("threads", "clear-old", "30", "--confirm", "DELETE", "--json");

        cleared.ExitCode.ShouldBe(0, cleared.Error);
        JsonNode.Parse(cleared.Output)!["progress"]!["removed"]!.GetValue<int>().ShouldBe(1);
        (await Host.GetAsync("thread:young")).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_list_without_dead_letters_is_a_sentence()
    {
        var left = await RunAsync("dead-letters", "list", "--json");
        foreach (var letter in JsonNode.Parse(left.Output)!["dead_letters"]!.AsArray())
        {
            await RunAsync("dead-letters", "delete", letter!["id"]!.GetValue<string>(), "--confirm", "DELETE");
        }

        var listed = await RunAsync("dead-letters", "list");

        listed.ExitCode.ShouldBe(0, listed.Error);
        listed.Output.Trim().ShouldBe("No dead letters");
    }

    [Fact]
    public async Task A_dead_letter_is_listed_by_its_cause_and_named_by_the_beginning_of_its_id()
    {
        await Host.Stack.FaultAsync("""[{ "status": 400 }]""");
        await RunAsync("send", "lettered", "Hello");
        JsonArray letters;
        do
        {
            letters = JsonNode.Parse((await RunAsync("dead-letters", "list", "--cause", "invalid_request", "--limit", "1", "--json")).Output)!["dead_letters"]!.AsArray();
        }
        while (letters.Count == 0);

        var (id, other) = (letters[0]!["id"]!.GetValue<string>(), await RunAsync("dead-letters", "list", "--cause", "redis"));
        var several = await RunAsync("dead-letters", "list");
        var deleted = await RunAsync("dead-letters", "delete", id[..15], "--confirm", "DELETE");
        var again = await RunAsync("dead-letters", "delete", id[..15], "--confirm", "DELETE");

        other.Output.ShouldContain("No dead letters with the cause redis");
        several.Output.ShouldContain(id[..15]);
        deleted.ExitCode.ShouldBe(0, deleted.Error);
        again.ExitCode.ShouldBe(3);
        again.Error.ShouldContain(id[..15]);
    }

    [Fact]
    public async Task Threads_are_listed_and_searched()
    {
        await Host.AddThreadAsync("user_session_A", 3, messages: 5, threadId: "conv_1");
        await Host.AddThreadAsync("other", 1, threadId: "conv_2");

        var all = await RunAsync("threads", "list", "--json");
        var found = await RunAsync("threads", "list", "--search", "SESSION");
        var newest = await RunAsync("threads", "list", "--limit", "1");
        var none = await RunAsync("threads", "list", "--search", "nobody");

        JsonNode.Parse(all.Output)!["threads"]!.AsArray().Select(thread => thread!["channel"]!.GetValue<string>()).ShouldBe(["other", "user_session_A"]);
        found.Output.ShouldContain("user_session_A");
        found.Output.ShouldNotContain("other");
        newest.Output.ShouldContain("--limit shows more");
        none.Output.ShouldContain("'nobody'");
    }

    [Fact]
    public async Task A_channel_is_made_and_shown()
    {
        var made = await RunAsync("channel", "new");
        var shown = await RunAsync("threads", "show", made.Output.Trim(), "--json");

        made.ExitCode.ShouldBe(0, made.Error);
        JsonNode.Parse(shown.Output)!["thread_id"]!.GetValue<string>().ShouldStartWith("conv_");
    }

    [Theory]
    [InlineData(3, "threads", "show", "nobody")]
    [InlineData(64, "threads", "clear")]
    [InlineData(64, "threads", "clear", "a", "--all")]
    [InlineData(3, "channel", "messages", "nobody")]
    [InlineData(3, "dead-letters", "delete", "nothing")]
    [InlineData(3, "dead-letters", "replay", "--cause", "nothing")]
    [InlineData(4, "stats", "--key", "wrong")]
    [InlineData(4, "stats", "--url", "http://127.0.0.1:9/api")]
    [InlineData(64, "stats", "--url", "nonsense")]
    public async Task A_failure_has_a_sentence_and_an_exit_code(int exitCode, params string[] arguments)
    {
        var run = await RunAsync(arguments);

        run.ExitCode.ShouldBe(exitCode, run.Error);
        run.Error.ShouldNotBeEmpty();
        run.Error.ShouldNotContain("   at ");
        run.Error.ShouldNotContain("?");
    }

    [Theory]
    [InlineData("--generate-uuid", "cosmo channel new")]
    [InlineData("--test-message", "cosmo send CHANNEL TEXT")]
    [InlineData("--create-assistant", "cosmo assistant create")]
    [InlineData("--delete-assistant", "cosmo assistant delete ID")]
    [InlineData("--clear-all-threads", "cosmo threads clear --all")]
    [InlineData("--clear-old-threads", "cosmo threads clear-old DAYS")]
    [InlineData("--show-thread-stats", "cosmo stats")]
    public void An_old_name_is_answered_with_the_new_one(string old, string now) =>
        Cosmo.Local.Terminal.OldNames.Answer([old, "x"]).ShouldBe($"{old} is now: {now}");

    [Fact]
    public async Task Help_has_an_example()
    {
        var help = await RunAsync("send", "--help");

        help.ExitCode.ShouldBe(0);
        help.Output.ShouldContain("Example:");
        help.Output.ShouldContain("cosmo send demo");
    }

    private Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments) =>
        arguments[0].EndsWith('\n') ? RunAsync(arguments[0], arguments[1..]) : RunAsync("", arguments);

    private async Task<(int ExitCode, string Output, string Error)> RunAsync(string input, string[] arguments)
    {
        using var program = Host.StartVerb(arguments);
        await program.StandardInput.WriteAsync(input);
        program.StandardInput.Close();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        var output = program.StandardOutput.ReadToEndAsync(limit.Token);
        var error = program.StandardError.ReadToEndAsync(limit.Token);
        await program.WaitForExitAsync(limit.Token);
        return (program.ExitCode, await output, await error);
    }
}
