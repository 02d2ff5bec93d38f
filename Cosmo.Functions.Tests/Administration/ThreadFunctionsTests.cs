using System.Net;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests.Administration;

public sealed class ThreadFunctionsTests(OperatorHost host) : OperatorTest(host)
{
    [Fact]
    public async Task Statistics_of_an_empty_store_are_zeros()
    {
        var (status, body) = await Host.SendAsync("GET", "threads/stats");

        status.ShouldBe(HttpStatusCode.OK);
        body!["threads"]!.GetValue<int>().ShouldBe(0);
        body["average_messages"]!.GetValue<double>().ShouldBe(0);
        body["oldest"].ShouldBeNull();
        body["ages"]!.AsArray().Select(group => group!["share"]!.GetValue<double>()).ShouldAllBe(share => share == 0);
    }

    [Fact]
    public async Task Statistics_count_what_another_program_wrote()
    {
        await Host.AddThreadAsync("today", 0.5, messages: 4);
        await Host.AddThreadAsync("week", 3, messages: 2);
        await Host.AddThreadAsync("older", 95, messages: 9);
        await Host.SetAsync("thread:bare", "thread_bare");
        await Host.SetAsync("metadata:lone", """{"created_at": 1, "message_count": 1, "last_message_at": 2}""");

        var (_, body) = await Host.SendAsync("GET", "threads/stats");

        body!["threads"]!.GetValue<int>().ShouldBe(4);
        body["metadata_entries"]!.GetValue<int>().ShouldBe(4);
        body["total_messages"]!.GetValue<int>().ShouldBe(16);
        body["average_messages"]!.GetValue<double>().ShouldBe(4);
        body["ages"]!.AsArray().Select(group => $"{group!["days"]}: {group["threads"]}").ShouldBe(["0-1: 2", "1-7: 1", "7-30: 0", "30-90: 0", "90+: 2"]);
        body["most_active"]!.AsArray().Select(channel => channel!["channel"]!.GetValue<string>()).ShouldBe(["older", "today", "week", "lone"]);
        body["oldest"]!["channel"]!.GetValue<string>().ShouldBe("lone");
        body["newest"]!["channel"]!.GetValue<string>().ShouldBe("bare");
        body["bytes"]!["total"]!.GetValue<int>().ShouldBeInRange(400, 4000);
        body["bytes"]!["is_sampled"]!.GetValue<bool>().ShouldBeFalse();
    }

    [Fact]
    public async Task Statistics_are_a_table_too()
    {
        await Host.AddThreadAsync("line\nbreak", 2, messages: 1234);

        var table = await Host.Http.GetStringAsync("threads/stats?format=table", Cancellation);

        table.ShouldMatch(@"Threads +1\n");
        table.ShouldMatch(@"  1-7 days +1 +100\.0 %\n");
        table.ShouldContain("1,234 line?break");
    }

    [Fact]
    public async Task A_format_that_does_not_exist_is_a_problem() =>
        (await Host.SendAsync("GET", "threads/stats?format=xml")).ShouldBeProblem(HttpStatusCode.BadRequest, "'format' must be json or table.");

    [Fact]
    public async Task A_thread_is_shown_and_its_expiry_stays()
    {
        await Host.AddThreadAsync("a/b ä", 2, messages: 3, threadId: "conv_1");

        var (status, body) = await Host.SendAsync("GET", "threads/" + Uri.EscapeDataString("a/b ä"));

        status.ShouldBe(HttpStatusCode.OK);
        body!["channel"]!.GetValue<string>().ShouldBe("a/b ä");
        body["thread_id"]!.GetValue<string>().ShouldBe("conv_1");
        body["is_usable"]!.GetValue<bool>().ShouldBeTrue();
        body["message_count"]!.GetValue<int>().ShouldBe(3);
        body["expires_at"].ShouldBeNull();
        (await Host.TimeToLiveAsync("thread:a/b ä")).ShouldBeNull();
    }

    [Theory]
    [InlineData("GET", "threads/nobody", HttpStatusCode.NotFound)]
    [InlineData("GET", "threads/%20", HttpStatusCode.BadRequest)]
    [InlineData("DELETE", "threads/nobody", HttpStatusCode.NotFound)]
    [InlineData("DELETE", "threads/nobody?confirm=yes", HttpStatusCode.BadRequest)]
    [InlineData("DELETE", "threads", HttpStatusCode.BadRequest)]
    [InlineData("DELETE", "threads?olderThanDays=0&confirm=DELETE", HttpStatusCode.BadRequest)]
    [InlineData("DELETE", "threads?olderThanDays=-1&confirm=DELETE", HttpStatusCode.BadRequest)]
    [InlineData("DELETE", "threads?olderThanDays=1.5&confirm=DELETE", HttpStatusCode.BadRequest)]
    [InlineData("DELETE", "threads?all=false&confirm=DELETE", HttpStatusCode.BadRequest)]
    [InlineData("DELETE", "threads?all=true&olderThanDays=5&confirm=DELETE", HttpStatusCode.BadRequest)]
    [InlineData("DELETE", "threads?all=true&confirm=delete", HttpStatusCode.BadRequest)]
    [InlineData("GET", "operations/thread-deletion", HttpStatusCode.NotFound)]
    [InlineData("DELETE", "operations/conversation-1", HttpStatusCode.NotFound)]
    public async Task A_request_that_makes_no_sense_is_a_problem(string method, string address, HttpStatusCode expected)
    {
        await Host.AddThreadAsync("kept", 200);

        var (status, body) = await Host.SendAsync(method, address);

        status.ShouldBe(expected);
        body!["status"]!.GetValue<int>().ShouldBe((int)expected);
        body["title"]!.GetValue<string>().ShouldNotBeEmpty();
        body["detail"]!.GetValue<string>().ShouldNotBeEmpty();
        (await Host.GetAsync("thread:kept")).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_channel_of_too_many_characters_is_a_problem() =>
        (await Host.SendAsync("GET", "threads/" + new string('a', 513))).ShouldBeProblem(HttpStatusCode.BadRequest, "A channel has 1 to 512 characters");

    [Fact]
    public async Task A_delete_that_is_not_confirmed_says_what_it_would_delete()
    {
        await Host.AddThreadAsync("a", 100, messages: 2, threadId: "conv_1");
        await Host.AddThreadAsync("b", 1);

        var (one, thread) = await Host.SendAsync("DELETE", "threads/a");
        var (some, older) = await Host.SendAsync("DELETE", "threads?olderThanDays=90");
        var (every, all) = await Host.SendAsync("DELETE", "threads?all=true");

        (one, some, every).ShouldBe((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.OK));
        thread!["dry_run"]!.GetValue<bool>().ShouldBeTrue();
        thread["thread_id"]!.GetValue<string>().ShouldBe("conv_1");
        older!["would_delete"]!.GetValue<int>().ShouldBe(1);
        older["oldest"]![0]!["channel"]!.GetValue<string>().ShouldBe("a");
        all!["would_delete"]!.GetValue<int>().ShouldBe(2);
        (await Host.GetAsync("thread:a")).ShouldBe("conv_1");
    }

    [Fact]
    public async Task A_confirmed_delete_removes_the_conversation_and_the_keys()
    {
        var (_, made) = await Host.SendAsync("POST", "channels");
        var (channel, threadId) = (made!["channel"]!.GetValue<string>(), made["thread_id"]!.GetValue<string>());

        var (status, body) = await Host.SendAsync("DELETE", $"threads/{channel}?confirm=DELETE");

        status.ShouldBe(HttpStatusCode.OK);
        body!["dry_run"]!.GetValue<bool>().ShouldBeFalse();
        (await Host.GetAsync("thread:" + channel)).ShouldBeNull();
        (await Host.GetAsync("metadata:" + channel)).ShouldBeNull();
        (await Host.Stack.RequestsAsync()).ShouldContain(request =>
            request!["method"]!.GetValue<string>() == "DELETE" && request["path"]!.GetValue<string>().EndsWith(threadId) && request["status"]!.GetValue<int>() == 200);
        (await Host.SendAsync("GET", "threads/stats")).Body!["threads"]!.GetValue<int>().ShouldBe(0);
    }

    [Fact]
    public async Task While_OpenAI_is_down_a_thread_keeps_its_keys()
    {
        await Host.AddThreadAsync("a", 100, threadId: "conv_1");
        await Host.Stack.FaultAsync("""[{ "endpoint": "conversations", "status": 400 }]""");

        (await Host.SendAsync("DELETE", "threads/a?confirm=DELETE")).ShouldBeProblem(HttpStatusCode.ServiceUnavailable, "its keys stay");

        (await Host.GetAsync("thread:a")).ShouldBe("conv_1");
        (await Host.GetAsync("metadata:a")).ShouldNotBeNull();
    }

    [Fact]
    public async Task Old_threads_are_deleted_by_an_operation_that_can_be_followed()
    {
        for (var i = 0; i < 450; i++)
        {
            await Host.AddThreadAsync($"old-{i}", 40 + (i % 3));
        }

        await Host.AddThreadAsync("young", 29);

        using var request = new HttpRequestMessage(HttpMethod.Delete, "threads?olderThanDays=30&confirm=DELETE");
        using var started = await Host.Http.SendAsync(request, Cancellation);
        var ended = await Host.EndAsync("thread-deletion");

        started.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        started.Headers.Location.ShouldBe(new Uri(Host.Url, "operations/thread-deletion"));
        ended["status"]!.GetValue<string>().ShouldBe("completed");
        ended["progress"]!["removed"]!.GetValue<int>().ShouldBe(450);
        (await Host.GetAsync("thread:old-449")).ShouldBeNull();
        (await Host.GetAsync("metadata:old-0")).ShouldBeNull();
        (await Host.GetAsync("thread:young")).ShouldNotBeNull();
        (await Host.SendAsync("DELETE", "operations/thread-deletion")).ShouldBeProblem(HttpStatusCode.Conflict, "cannot be cancelled");
    }

    [Fact]
    public async Task All_threads_are_deleted_and_the_assistant_stays()
    {
        await Host.SendAsync("POST", "assistant");
        await Host.SendAsync("POST", "channels");
        await Host.AddThreadAsync("a", 0);
        await Host.SetAsync("metadata:lone", "not JSON");

        await Host.SendAsync("DELETE", "threads?all=true&confirm=DELETE");
        (await Host.EndAsync("thread-deletion"))["progress"]!["removed"]!.GetValue<int>().ShouldBe(3);

        var (_, statistics) = await Host.SendAsync("GET", "threads/stats");
        (statistics!["threads"]!.GetValue<int>(), statistics["metadata_entries"]!.GetValue<int>()).ShouldBe((0, 0));
        (await Host.GetAsync("metadata:lone")).ShouldBeNull();
        (await Host.GetAsync("assistant_id")).ShouldNotBeNull();
    }

    [Fact]
    public async Task Keys_are_compared_with_the_index_on_request()
    {
        await Host.AddThreadAsync("a", 1);

        (await Host.SendAsync("POST", "threads/index")).Status.ShouldBe(HttpStatusCode.Accepted);
        var ended = await Host.EndAsync("thread-indexing");

        ended["progress"]!["position"]!["is_complete"]!.GetValue<bool>().ShouldBeTrue();
        ended["progress"]!["keys"]!.GetValue<int>().ShouldBeGreaterThanOrEqualTo(0);
    }
}

internal static class ProblemAssertions
{
    public static void ShouldBeProblem(this (HttpStatusCode Status, JsonObject? Body) answer, HttpStatusCode status, string detail)
    {
        answer.Status.ShouldBe(status);
        answer.Body!["detail"]!.GetValue<string>().ShouldContain(detail);
    }
}
