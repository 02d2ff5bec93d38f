using System.Text.Json.Nodes;
using Cosmo.Functions.Tests.Administration;

namespace Cosmo.Functions.Tests.Local.Terminal;

/// <summary>The verb <c>eval</c> as a process, on a running Cosmo.</summary>
public sealed class EvalTests(OperatorHost host) : OperatorTest(host), IDisposable
{
    private static readonly string Sample = Path.Combine(AppContext.BaseDirectory, "SampleData", "trials.jsonl");

    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public async Task The_sample_passes_and_leaves_no_channel()
    {
        var (exitCode, output, error) = await EvalAsync(Sample);

        exitCode.ShouldBe(0, output + error);
        output.ShouldContain("7 of 7 passed.");
        error.ShouldContain("passed  offices");
        (await KeysAsync("thread:*")).ShouldBeEmpty();
        (await KeysAsync("updates:*")).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_answer_that_is_not_as_expected_is_told_with_what_it_was_and_fails_the_run()
    {
        await File.WriteAllLinesAsync(
            _file,
            [
                """{"name": "right", "turns": [{"message": "Weather in Makati?", "expect": {"contains": ["makati"]}}]}""",
                """
                {"name": "wrong", "turns": [{"message": "Weather in Makati?", "expect": {"tools": ["get_user_role"], "arguments": {"city": "Atlantis"}, "contains": ["Atlantis"], "matches": "^Atlantis", "not_contains": ["makati"]}}]}
                """,
                """{"name": "none", "turns": [{"message": "Weather in Makati?", "expect": {"tools": []}}]}""",
                """{"name": "arguments", "turns": [{"message": "Weather in Makati?", "expect": {"tools": ["get_weather"], "arguments": {"city": "Cebu"}}}]}""",
            ],
            Cancellation);

        var (exitCode, output, error) = await EvalAsync(_file, "--json", "--parallel", "2");

        exitCode.ShouldBe(1, error);
        var answer = JsonNode.Parse(output)!;
        (answer["passed"]!.GetValue<int>(), answer["failed"]!.GetValue<int>()).ShouldBe((1, 3));
        var right = answer["trials"]![0]!["turns"]![0]!;
        right["failures"]!.AsArray().ShouldBeEmpty();
        right["tools"]![0]!["arguments"]!["city"]!.GetValue<string>().ShouldBe("Makati");
        right["first_text_seconds"]!.GetValue<double>().ShouldBeInRange(0.001, right["seconds"]!.GetValue<double>());
        right["usage"]!["output_tokens"]!.GetValue<long>().ShouldBePositive();
        Failures(answer, 1).ShouldBe([
            "tools: get_user_role was not called, but get_weather",
            """arguments: no call has {"city":"Atlantis"}, but get_weather {"city":"Makati","country_code":null}""",
            "contains: 'Atlantis' is missing",
            "not_contains: 'makati' stands there",
            "matches: nothing fits ^Atlantis",
        ]);
        Failures(answer, 2).ShouldBe(["tools: none was expected, but get_weather was called"]);
        Failures(answer, 3).ShouldBe(["""arguments: no call has {"city":"Cebu"}, but get_weather {"city":"Makati","country_code":null}"""]);
        (await KeysAsync("thread:*")).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_answer_that_takes_too_long_is_given_up_and_the_turns_after_it_are_not_asked()
    {
        await Host.Stack.FaultAsync("""[{ "stallAfterTokens": 1 }]""");
        await File.WriteAllTextAsync(
            _file,
            """{"name": "slow", "turns": [{"message": "Hello", "expect": {"seconds": 3}}, {"message": "Hello again", "expect": {}}]}""",
            Cancellation);

        var (exitCode, output, error) = await EvalAsync(_file, "--json");

        exitCode.ShouldBe(1, error);
        var turns = JsonNode.Parse(output)!["trials"]![0]!["turns"]!;
        turns[0]!["failures"]![0]!.GetValue<string>().ShouldBe("it had no end within 3 seconds");
        turns[1]!["failures"]![0]!.GetValue<string>().ShouldBe("it was not asked: the turn before has no end");
        (await KeysAsync("thread:*")).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_run_that_is_interrupted_deletes_its_channels_first()
    {
        await Host.Stack.FaultAsync("""[{ "stallAfterTokens": 1 }]""");
        await File.WriteAllTextAsync(_file, """{"name": "slow", "turns": [{"message": "Interrupted", "expect": {}}]}""", Cancellation);
        using var program = Host.StartVerb("eval", _file);
        program.StandardInput.Close();
        var error = program.StandardError.ReadToEndAsync(Cancellation);
        while ((await Host.Stack.RequestsAsync("Interrupted")).Count == 0)
        {
            await Task.Delay(20, Cancellation);
        }

        Processes.Signal("INT", program.Id);
        await program.WaitForExitAsync(Cancellation);

        program.ExitCode.ShouldBe(130);
        (await error).ShouldContain("Interrupted after 0 of 1 trials.");
        (await KeysAsync("thread:*")).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_file_with_faults_is_told_with_line_and_field_and_nothing_is_run()
    {
        await File.WriteAllLinesAsync(
            _file,
            [
                """{"name": "right", "turns": [{"message": "Nobody is asked this", "expect": {}}]}""",
                "",
                """{"name": "right", "turns": [{"mesage": "x", "expect": {"matches": "(", "seconds": 0, "tools": "get_weather"}}]}""",
                """{"turns": [], "user": {"roles": ["auditor"]}}""",
                "hello",
            ],
            Cancellation);

        var (exitCode, output, error) = await EvalAsync(_file);

        exitCode.ShouldBe(1);
        output.ShouldBeEmpty();
        var lines = error.TrimEnd().Split('\n').Select(line => line.Replace(_file, "FILE")).ToList();
        lines.ShouldContain("FILE:3: turns[0].mesage: is no field here; there are message, expect.");
        lines.ShouldContain("FILE:3: turns[0].message: must be a text that is not empty.");
        lines.ShouldContain(line => line.StartsWith("FILE:3: turns[0].expect.matches: is no regular expression."));
        lines.ShouldContain("FILE:3: turns[0].expect.seconds: must be a number above 0 and up to 3600.");
        lines.ShouldContain("FILE:3: turns[0].expect.tools: must be a list of texts that are not empty.");
        lines.ShouldContain("FILE:3: name: line 1 has the same.");
        lines.ShouldContain("FILE:4: name: must be a text that is not empty.");
        lines.ShouldContain("FILE:4: turns: must be a list of at least one turn.");
        lines.ShouldContain("FILE:4: user.id: must be a text that is not empty.");
        lines.ShouldContain(line => line.StartsWith("FILE:5: it is no JSON: "));
        lines[^1].ShouldBe("Nothing was run.");
        (await Host.Stack.RequestsAsync("Nobody is asked this")).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(1, "no-such-file.jsonl")]
    [InlineData(4, "", "--key", "wrong")]
    [InlineData(4, "", "--url", "http://127.0.0.1:9/api")]
    [InlineData(64, "", "--parallel", "0")]
    public async Task What_cannot_be_run_has_a_sentence_and_an_exit_code(int exitCode, string file, params string[] options)
    {
        var run = await EvalAsync([file.Length == 0 ? Sample : file, .. options]);

        run.ExitCode.ShouldBe(exitCode, run.Error);
        run.Error.ShouldNotBeEmpty();
        run.Error.ShouldNotContain("   at ");
        run.Error.ShouldNotContain("failed  ");
    }

    private static IEnumerable<string> Failures(JsonNode answer, int trial) =>
        answer["trials"]![trial]!["turns"]![0]!["failures"]!.AsArray().Select(failure => failure!.GetValue<string>());

    private Task<string[]> KeysAsync(string pattern) => Host.Stack.Redis.RunAsync(
        async database => (string[])(await database.ExecuteAsync("KEYS", Host.Stack.RedisPrefix + pattern))!, Cancellation);

    private async Task<(int ExitCode, string Output, string Error)> EvalAsync(params string[] arguments)
    {
        using var program = Host.StartVerb(["eval", .. arguments]);
        program.StandardInput.Close();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        var output = program.StandardOutput.ReadToEndAsync(limit.Token);
        var error = program.StandardError.ReadToEndAsync(limit.Token);
        await program.WaitForExitAsync(limit.Token);
        return (program.ExitCode, await output, await error);
    }
}
