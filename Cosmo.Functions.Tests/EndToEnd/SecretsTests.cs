using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Marked secrets, message texts and e-mail addresses go through all that Cosmo does; nothing that it writes, and no update, has one of the secrets.</summary>
public sealed class SecretsTests : IDisposable
{
    private const string Mark = "MARKED";

    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(120));

    /// <summary>Everything at Information that is otherwise kept quiet.</summary>
    private readonly Dictionary<string, string> _settings = new(CosmoStack.Patient)
    {
        ["AzureFunctionsJobHost__logging__logLevel__default"] = "Information",
        ["AzureFunctionsJobHost__logging__logLevel__Function.AnswerMessage"] = "Information",
        ["AzureFunctionsJobHost__logging__logLevel__Host.Triggers.DurableTask"] = "Information",
        ["AzureFunctionsJobHost__logging__logLevel__DurableTask.Core"] = "Information",
        ["AzureFunctionsJobHost__logging__logLevel__Azure.Core"] = "Information",
        ["AzureFunctionsJobHost__logging__logLevel__Microsoft"] = "Information",
        ["OPENAI_API_KEY"] = Mark + "-openai",
        ["OPENWEATHER_API_KEY"] = Mark + "-weather",
        ["X_API_KEY"] = Mark + "-api",
    };

    public void Dispose() => _limit.Dispose();

    [Fact]
    public async Task What_is_answered_and_what_fails_leaves_no_text_and_no_key_in_the_log()
    {
        await using var stack = await CosmoStack.StartAsync(_settings, inOwnProcess: true);
        await using var client = await stack.OpenAsync("channel");
        var answered = 0;
        async Task<JsonObject> AskAsync(string question, string? fault = null)
        {
            await stack.FaultAsync(fault is null ? "[]" : $"[{fault}]");
            var id = $"m{answered++}";
            await stack.Queue.SendAsync("channel", id, question);
            return await client.FinalAsync(id, 60);
        }

        (await AskAsync($"Hello {Mark}"))["status"]!.GetValue<string>().ShouldBe("completed");
        await AskAsync($"Show me the audit logs of {Mark}@example.com");
        await AskAsync($"What is the role of {Mark}@example.com?");
        await AskAsync($"Weather in {Mark}?");
        await AskAsync("Which offices are available in Cebu for 20 people?");
        string[] faults =
        [
            $$"""{ "status": 400, "body": { "error": { "message": "No {{Mark}}", "code": "not a code: {{Mark}}" } } }""",
            $$"""{ "status": 401, "body": { "error": { "message": "Incorrect API key provided: {{Mark}}", "code": "invalid_api_key" } } }""",
            """{ "status": 429, "code": "insufficient_quota" }""",
            """{ "cutAfterTokens": 3 }""",
        ];
        foreach (var fault in faults)
        {
            var final = await AskAsync($"Fail {Mark}", fault);
            final["status"]!.GetValue<string>().ShouldBe("error");
            final.ToJsonString().ShouldNotContain(Mark);
        }

        await stack.FaultAsync("[]");
        await stack.FaultBackendsAsync("""[{ "status": 500, "times": 10 }]""");
        await AskAsync($"Show me the audit logs of {Mark}2@example.com");
        await stack.Queue.SendAsync(Encoding.UTF8.GetBytes($$"""{"channel":"channel","message_id":"bad","message":"","extra":"{{Mark}}"}"""));
        await client.FinalAsync("bad");
        await stack.Queue.SendAsync(Encoding.UTF8.GetBytes($"no JSON {Mark}"));
        using var sent = await stack.Http.PostAsync(
            "channels/channel/messages", new StringContent($$"""{"message_id":"over-http","message":"Hello {{Mark}}"}""", null, "application/json"), _limit.Token);
        sent.EnsureSuccessStatusCode();
        await client.FinalAsync("over-http");
        using var deleted = await stack.Http.DeleteAsync("threads/channel", _limit.Token);
        using var withKey = await stack.Http.GetAsync($"channels/channel/updates?code={Mark}-code&access_token={Mark}-token", _limit.Token);
        withKey.EnsureSuccessStatusCode();
        await stack.WroteAsync("was refused", _limit.Token);
        stack.Output.ShouldContain("Message m0 is answered");

        LogShouldHaveNo(stack.Output, Mark);
        client.Seen.Where(update => update["payload"]!["error_details"] is not null).ShouldAllBe(update => !update.ToJsonString().Contains(Mark));
    }

    [Fact]
    public async Task A_name_forges_no_line_and_tells_a_terminal_nothing()
    {
        await using var stack = await CosmoStack.StartAsync(_settings, inOwnProcess: true);
        await using var client = await stack.OpenAsync("channel");
        const string name = "m\r\n10:00:00.000 crit: forged\u001b[31m\u0085\u2028crit: forged";

        await stack.Queue.SendAsync("channel", name, "Hello");
        await client.FinalAsync(name);
        await stack.WroteAsync("is answered", _limit.Token);
        await stack.Queue.SendAsync(JsonSerializer.SerializeToUtf8Bytes(new { channel = "channel", message_id = name + "2", message = "" }));
        await client.FinalAsync(name + "2");
        await stack.WroteAsync("was refused", _limit.Token);

        stack.Output.ShouldNotContain('\u001b');
        stack.Output.Split('\n', '\r', '\u0085').ShouldNotContain(line => Regex.IsMatch(line, "^([0-9:.]+ )?crit: "));
    }

    [Fact]
    public async Task Services_that_are_away_leave_no_password_in_the_log()
    {
        await using var stack = await CosmoStack.CreateAsync(_settings);
        stack.Set("RABBITMQ_URL", $"amqp://user:{Mark}@127.0.0.1:1");
        stack.Set("REDIS_URL", $"redis://user:{Mark}@127.0.0.1:1/0");
        stack.Set("WEB_PUBSUB_CONNECTION_STRING", $"Endpoint=http://127.0.0.1:1;AccessKey={Mark}-of-some-length-0123456789;Version=1.0;");
        stack.Set("MSSQL_CONNECTION_STRING", $"Server=127.0.0.1,1;User=sa;Password={Mark}");

        await stack.TryFunctionsAsync(_limit.Token);

        await stack.WroteAsync("RabbitMQ does not answer", _limit.Token);
        await stack.WroteAsync("Redis does not answer", _limit.Token);
        LogShouldHaveNo(stack.Output, Mark);
    }

    [Fact]
    public async Task An_address_that_is_refused_leaves_no_password_in_the_log()
    {
        await using var stack = await CosmoStack.CreateAsync(_settings);
        stack.Set("OPENAI_BASE_URL", $"http://user:{Mark}@127.0.0.1:1/v1");

        await stack.TryFunctionsAsync(_limit.Token);

        await stack.WroteAsync("OPENAI_BASE_URL", _limit.Token);
        LogShouldHaveNo(stack.Output, Mark);
    }

    private static void LogShouldHaveNo(string log, string mark)
    {
        var lines = log.Split('\n').Where(line => line.Contains(mark, StringComparison.OrdinalIgnoreCase)).ToList();
        lines.ShouldBeEmpty();
    }
}
