using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Assistants.Profiles;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tools;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Assistants;

public sealed class ProfileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cosmo-test-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void The_built_in_profile_is_a_file_of_the_app()
    {
        TestProfiles.BuiltIn.All.Single().ShouldSatisfyAllConditions(
            profile => profile.Name.ShouldBe("cosmo"),
            profile => profile.Model.ShouldBe("gpt-4o-mini"),
            profile => profile.Tools.ShouldBeNull(),
            profile => profile.Instructions.ShouldStartWith("You are Cosmo,"),
            profile => profile.Instructions.ShouldEndWith("briefly and clearly."));
    }

    [Fact]
    public void Everything_that_a_profile_may_say_is_read()
    {
        Write("sales-2.md", """
            ---
            # A comment.
            model: gpt-4.1
            fallback_model: gpt-4o-mini
            tools: [get_weather]
            max_output_tokens: 2000
            reasoning_effort: low
            background: true
            compact_after_tokens: 50000
            ---

            You sell.

            ---
            Offices.

            """);

        var profile = Read().Of("sales-2");

        (profile with { Tools = null }).ShouldBe(new AssistantProfile("sales-2", "You sell.\n\n---\nOffices.")
        {
            Model = "gpt-4.1",
            FallbackModel = "gpt-4o-mini",
            MaxOutputTokens = 2000,
            ReasoningEffort = "low",
            IsBackground = true,
            CompactAfterTokens = 50_000,
        });
        profile.Tools.ShouldBe(["get_weather"]);
        Read().BuiltIn.Instructions.ShouldStartWith("You are Cosmo,");
    }

    [Theory]
    [InlineData("You help.")]
    [InlineData("---\n---\nYou help.")]
    [InlineData("\uFEFF---\r\nmodel: gpt-4o-mini\r\n---\r\nYou help.\r\n")]
    public void Front_matter_may_be_left_out(string text)
    {
        Write("plain.md", text);

        Read().Of("plain").ShouldBe(new AssistantProfile("plain", "You help.") { Model = "gpt-4o-mini" });
    }

    [Fact]
    public void A_profile_in_the_operators_folder_takes_the_place_of_the_built_in_one()
    {
        Write("cosmo.md", "You are somebody else.");

        Read().BuiltIn.Instructions.ShouldBe("You are somebody else.");
        Read().Id.ShouldNotBe(TestProfiles.BuiltIn.Id);
    }

    [Fact]
    public void All_that_is_wrong_is_said_at_once_with_file_and_line()
    {
        Write("Sales.md", "You sell.");
        Write("empty.md", "---\nmodel: gpt\n---\n\n");
        Write("open.md", "---\nmodel: gpt\n");
        Write("yaml.md", "---\nmodel: gpt\ntools: [a\n---\nYou help.");
        Write("list.md", "---\n- model\n---\nYou help.");
        Write("many.md", "---\nmodel: ''\nmodle: gpt\ntools: get_weather\nmax_output_tokens: 5\nreasoning_effort: huge\nbackground: yes\ncompact_after_tokens: '7'\n---\nYou help.");
        Write("tools.md", "---\ntools:\n  - get_weather\n  - get_wether\n---\nYou help.");
        File.WriteAllBytes(Path.Combine(_folder.FullName, "latin.md"), [0xE4, 0xF6]);

        var errors = Should.Throw<OptionsValidationException>(Read).Failures.Select(error => error.Replace(_folder.FullName + "/", "")).ToList();

        errors.ShouldContain(error => error.StartsWith("Sales.md: 'Sales' is no name of a profile"));
        errors.ShouldContain("empty.md, line 5: there are no instructions.");
        errors.ShouldContain("open.md, line 1: the line --- that ends the front matter is missing.");
        errors.ShouldContain(error => error.StartsWith("yaml.md, line ") && error.Contains("the front matter is not YAML"));
        errors.ShouldContain("list.md, line 2: the front matter must be a list of 'name: value'.");
        errors.ShouldContain("latin.md: it is not UTF-8.");
        errors.ShouldContain("tools.md, line 4: there is no tool 'get_wether'. The tools are: get_weather.");
        errors.Where(error => error.StartsWith("many.md")).Select(error => error[..error.IndexOf("' ")]).ShouldBe(
        [
            "many.md, line 2: 'model", "many.md, line 3: 'modle", "many.md, line 4: 'tools", "many.md, line 5: 'max_output_tokens",
            "many.md, line 6: 'reasoning_effort", "many.md, line 7: 'background", "many.md, line 8: 'compact_after_tokens",
        ]);
    }

    [Fact]
    public void A_folder_that_is_not_there_is_said() =>
        Should.Throw<OptionsValidationException>(() => TestProfiles.In("/nowhere/at/all")).Message.ShouldBe(
            "Cosmo:Assistants:ProfilesPath (PROFILES_PATH): there is no folder /nowhere/at/all.");

    [Theory]
    [InlineData(null, true, null)]
    [InlineData("cosmo", true, null)]
    [InlineData("sales", true, "sales")]
    [InlineData("Sales", false, "Sales")]
    [InlineData("", false, "")]
    public void A_message_may_name_a_profile_that_there_is(string? named, bool found, string? profile)
    {
        Write("sales.md", "You sell.");

        (Read().TryFind(named, out var name), name).ShouldBe((found, profile));
        TestProfiles.BuiltIn.TryFind(named, out var alone).ShouldBeTrue();
        alone.ShouldBeNull();
    }

    [Fact]
    public async Task A_response_is_asked_for_as_the_profile_says()
    {
        Write("sales.md", "---\nmodel: gpt-5-mini\ntools: []\nmax_output_tokens: 99\nreasoning_effort: low\ncompact_after_tokens: 5000\n---\nYou sell.");
        await using var openAI = await EmulatedOpenAI.StartAsync();
        await using var setup = new AssistantSetup(openAI.Url, new Dictionary<string, string?> { ["Cosmo:Assistants:ProfilesPath"] = _folder.FullName });
        var thread = await setup.Assistant.CreateThreadAsync(retrying: null, Cancellation);

        var answer = await setup.Assistant.RespondAsync(
            setup.Question(thread, "Hello") with { Profile = "sales", Caller = new Caller("ana@example.com", []) }, new Heard(), Cancellation);
        await setup.AskAsync(thread, "Hello");

        answer.Usage!.Model.ShouldBe("gpt-5-mini");
        var (sales, cosmo) = (await BodyAsync(openAI, 0), await BodyAsync(openAI, 1));
        (sales["model"]!.ToString(), sales["instructions"]!.ToString(), sales["max_output_tokens"]!.GetValue<int>()).ShouldBe(("gpt-5-mini", "You sell.", 99));
        sales["reasoning"]!.ToJsonString().ShouldBe("""{"effort":"low"}""");
        sales["context_management"]!.ToJsonString().ShouldBe("""[{"type":"compaction","compact_threshold":5000}]""");
        sales["prompt_cache_key"]!.ToString().ShouldBe(thread);
        sales["safety_identifier"]!.ToString().ShouldMatch("^[0-9a-f]{32}$");
        cosmo["model"]!.ToString().ShouldBe("gpt-4o-mini");
        (await AskedAsync(openAI)).Select(request => request["tools"]!.AsArray().Count).ShouldBe([0, 1]);
        (cosmo["reasoning"], cosmo["context_management"], cosmo["background"], cosmo["safety_identifier"]).ShouldBe((null, null, null, null));
    }

    [Theory]
    [InlineData("""{"status":404,"code":"model_not_found"}""")]
    [InlineData("""{"status":429,"code":"insufficient_quota"}""")]
    [InlineData("""{"status":429}""")]
    [InlineData("""{"status":503}""")]
    public async Task Another_model_answers_where_the_first_does_not(string fault)
    {
        await using var openAI = await EmulatedOpenAI.StartAsync();
        await using var setup = WithFallback(openAI);
        var thread = await setup.Assistant.CreateThreadAsync(retrying: null, Cancellation);
        await openAI.FaultAsync($"[{fault[..^1]},\"model\":\"gpt-first\"}}]");

        var answer = await setup.AskAsync(thread, "Hello");

        answer.Usage!.Model.ShouldBe("gpt-other");
        (await openAI.AskedAsync()).ShouldBe(2);
        (await openAI.ItemsAsync(thread)).Count(item => item!["role"]?.GetValue<string>() == "user").ShouldBe(1);
    }

    [Fact]
    public async Task Another_model_is_asked_once_and_not_after_text()
    {
        await using var openAI = await EmulatedOpenAI.StartAsync();
        await using var setup = WithFallback(openAI);
        var thread = await setup.Assistant.CreateThreadAsync(retrying: null, Cancellation);
        await openAI.FaultAsync("""[{"status":404,"code":"model_not_found"}]""");
        await setup.FailsAsync(thread, "Hello");
        (await ModelsAsync(openAI)).ShouldBe(["gpt-first", "gpt-other"]);

        await openAI.FaultAsync("""[{"failAfterTokens":3}]""");
        await openAI.ScriptAsync("""[{"text":["Good ","day, ","dear ","friend"]}]""");
        await setup.FailsAsync(thread, "Hello");

        (await ModelsAsync(openAI)).Skip(2).ShouldAllBe(model => model == "gpt-first");
    }

    [Fact]
    public async Task A_background_response_is_heard_on_where_its_stream_broke_and_asked_for_once()
    {
        await using var openAI = await EmulatedOpenAI.StartAsync();
        await using var setup = InBackground(openAI);
        var thread = await setup.Assistant.CreateThreadAsync(retrying: null, Cancellation);
        await openAI.ScriptAsync("""[{"text":["Good ","day, ","dear ","friend ","of ","mine"],"then":["More."]}]""");
        await openAI.FaultAsync("""[{"loseClientAfterEvents":7,"pace":20}]""");
        var heard = new Heard();

        var answer = await setup.AskAsync(thread, "Hello", heard);

        answer.Text.ShouldBe("Good day, dear friend of mine\n\nMore.");
        heard.Text.ShouldBe(answer.Text);
        heard.ResponseIds.ShouldBe([answer.Id]);
        (await openAI.AskedAsync()).ShouldBe(1);
        (await openAI.RequestsAsync()).Count(request => request!["method"]!.ToString() == "GET" && request["path"]!.ToString().EndsWith(answer.Id, StringComparison.Ordinal)).ShouldBe(1);
        (await openAI.ItemsAsync(thread)).Count.ShouldBe(3);
    }

    [Fact]
    public async Task A_background_response_that_a_dead_worker_had_begun_is_heard_from_its_beginning()
    {
        await using var openAI = await EmulatedOpenAI.StartAsync();
        await using var setup = InBackground(openAI);
        var thread = await setup.Assistant.CreateThreadAsync(retrying: null, Cancellation);
        await openAI.ScriptAsync("""[{"text":["Good ","day, ","dear ","friend ","of ","mine"]}]""");
        await openAI.FaultAsync("""[{"pace":50}]""");
        using var death = new CancellationTokenSource();
        var before = new Heard { OnText = death.Cancel };
        await Should.ThrowAsync<OperationCanceledException>(setup.Assistant.RespondAsync(setup.Question(thread, "Hello"), before, death.Token));
        var after = new Heard();

        var answer = await setup.Assistant.RespondAsync(setup.Question(thread, "Hello", earlier: before.ResponseIds.Single()), after, Cancellation);

        answer.Text.ShouldBe("Good day, dear friend of mine");
        (after.Text, answer.Id).ShouldBe((answer.Text, before.ResponseIds.Single()));
        after.Deltas.ShouldBeGreaterThan(1);
        (await openAI.AskedAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task A_background_response_that_nobody_wants_any_more_is_ended_and_its_thread_is_free()
    {
        await using var openAI = await EmulatedOpenAI.StartAsync();
        await using var setup = InBackground(openAI);
        var thread = await setup.Assistant.CreateThreadAsync(retrying: null, Cancellation);
        await openAI.FaultAsync("""[{"pace":60000,"times":1}]""");
        using var stop = new CancellationTokenSource();
        var heard = new Heard { OnText = stop.Cancel };
        await Should.ThrowAsync<OperationCanceledException>(setup.Assistant.RespondAsync(setup.Question(thread, "Hello"), heard, stop.Token));

        await setup.Assistant.CancelResponseAsync(heard.ResponseIds.Single(), Cancellation);
        await setup.Assistant.CancelResponseAsync(heard.ResponseIds.Single(), Cancellation);
        await setup.Assistant.CancelResponseAsync("resp_unknown", Cancellation);

        (await setup.AskAsync(thread, "Hello")).Text.ShouldNotBeEmpty();
    }

    private AssistantSetup InBackground(EmulatedOpenAI openAI)
    {
        Write("cosmo.md", "---\nbackground: true\n---\nYou help.");
        return new AssistantSetup(openAI.Url, new Dictionary<string, string?> { ["Cosmo:Assistants:ProfilesPath"] = _folder.FullName });
    }

    private AssistantSetup WithFallback(EmulatedOpenAI openAI)
    {
        Write("cosmo.md", "---\nmodel: gpt-first\nfallback_model: gpt-other\n---\nYou help.");
        return new AssistantSetup(openAI.Url, new Dictionary<string, string?> { ["Cosmo:Assistants:ProfilesPath"] = _folder.FullName });
    }

    private static async Task<JsonObject> BodyAsync(EmulatedOpenAI openAI, int number) => (await AskedAsync(openAI))[number]["parameters"]!.AsObject();

    private static async Task<List<string>> ModelsAsync(EmulatedOpenAI openAI) => [.. (await AskedAsync(openAI)).Select(request => request["parameters"]!["model"]!.ToString())];

    private static async Task<List<JsonObject>> AskedAsync(EmulatedOpenAI openAI) =>
        [.. (await openAI.RequestsAsync()).OfType<JsonObject>().Where(request => request["method"]!.ToString() == "POST" && request["path"]!.ToString().EndsWith("/responses", StringComparison.Ordinal))];

    private ProfileCatalog Read() => TestProfiles.In(_folder.FullName, new Weather());

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder.FullName, name), text);

    private sealed class Weather : ITool
    {
        public string Name => "get_weather";

        public string Description => "The weather.";

        public JsonNode Parameters => new JsonObject();

        public Task<JsonNode> ExecuteAsync(JsonElement arguments, Caller caller, string callId, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
