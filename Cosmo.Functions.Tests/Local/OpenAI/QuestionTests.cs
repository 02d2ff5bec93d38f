namespace Cosmo.Functions.Tests.Local.OpenAI;

public sealed class QuestionTests(EmulatorFixture emulator) : IClassFixture<EmulatorFixture>
{
    [Theory]
    [InlineData("What's the weather like in Quezon City today?", "Quezon City")]
    [InlineData("How hot is it in Tokyo right now?", "Tokyo")]
    [InlineData("weather makati", "Makati")]
    [InlineData("Will it rain in new york this afternoon", "New York")]
    [InlineData("Tell me Davao's weather please", "Davao")]
    [InlineData("Do I need an umbrella in Cagayan de Oro?", "Cagayan de Oro")]
    [InlineData("Give me the current temperature for Iloilo, thanks!", "Iloilo")]
    [InlineData("Is it raining in Clark at the moment?", "Clark")]
    public async Task A_question_about_the_weather_names_its_city(string text, string city) =>
        (await CallsAsync(text)).ShouldBe([$$"""get_weather {"city":"{{city}}","country_code":null}"""]);

    [Theory]
    [InlineData("Weather in Paris, France?", "Paris", "FR")]
    [InlineData("Weather in San Fernando Philippines", "San Fernando", "PH")]
    [InlineData("weather in London, CA", "London", "CA")]
    public async Task A_country_that_is_named_becomes_its_code(string text, string city, string country) =>
        (await CallsAsync(text)).ShouldBe([$$"""get_weather {"city":"{{city}}","country_code":"{{country}}"}"""]);

    [Theory]
    [InlineData("Do you have available offices in Makati for 20 people?", "Makati", 20)]
    [InlineData("I need office space for a team of ten in Cebu City", "Cebu City", 10)]
    [InlineData("Find me a 15-person office in Taguig", "Taguig", 15)]
    [InlineData("are there desks in clark for 8 persons", "Clark", 8)]
    public async Task A_question_about_offices_names_city_and_people(string text, string city, int people) =>
        (await CallsAsync(text)).ShouldBe([$$"""get_available_offices {"city":"{{city}}","capacity":{{people}}}"""]);

    [Theory]
    [InlineData("How many active clients do we have per service?")]
    [InlineData("Give me an analysis of our client portfolio")]
    [InlineData("which service has the most customers")]
    public async Task A_question_about_clients_needs_nothing_more(string text) =>
        (await CallsAsync(text)).ShouldBe(["get_active_clients_per_service {}"]);

    [Theory]
    [InlineData("Show me the audit logs of maria.santos@kmc.com", "get_user_audit_logs")]
    [InlineData("What was the recent activity of maria.santos@kmc.com?", "get_user_audit_logs")]
    [InlineData("For maria.santos@kmc.com, show the logs.", "get_user_audit_logs")]
    [InlineData("What is the role of maria.santos@kmc.com?", "get_user_role")]
    [InlineData("which permissions does maria.santos@kmc.com have", "get_user_role")]
    public async Task A_question_about_a_person_names_the_email(string text, string function) =>
        (await CallsAsync(text)).ShouldBe([function + """ {"email":"maria.santos@kmc.com"}"""]);

    [Fact]
    public async Task Everything_that_one_message_asks_is_called_at_once()
    {
        (await CallsAsync("Weather in Makati, Cebu and Davao?")).Count.ShouldBe(3);
        (await CallsAsync("Audit logs and role of ana@kmc.com")).ShouldBe(
            ["""get_user_audit_logs {"email":"ana@kmc.com"}""", """get_user_role {"email":"ana@kmc.com"}"""]);
        (await CallsAsync("How is the weather in Makati and are there offices there for 5 people?")).ShouldBe(
            ["""get_weather {"city":"Makati","country_code":null}""", """get_available_offices {"city":"Makati","capacity":5}"""]);
    }

    [Theory]
    [InlineData("Hello!")]
    [InlineData("Who won the world cup in France?")]
    [InlineData("Write a poem about Makati")]
    [InlineData("What can you do?")]
    [InlineData("")]
    public async Task Anything_else_is_answered_with_what_it_is_and_knows(string text)
    {
        var response = await StreamedResponse.ReadAsync(emulator.Responses, Ask.Question(null, text));

        response.Calls.ShouldBeEmpty();
        response.Text.ShouldContain("not a model");
        response.Text.ShouldContain("available offices");
    }

    [Fact]
    public async Task A_function_that_is_not_offered_is_not_called()
    {
        var onlyWeather = Ask.AllTools.Take(1);
        var response = await StreamedResponse.ReadAsync(emulator.Responses, Ask.Question(null, "Audit logs of maria@kmc.com", tools: onlyWeather));

        response.Calls.ShouldBeEmpty();
        response.Text.ShouldContain("cannot look up audit logs");
    }

    [Fact]
    public async Task Without_parallel_calls_one_is_made_after_the_other()
    {
        var conversation = await emulator.NewConversationAsync();
        var question = Ask.Question(conversation, "Weather in Makati and Cebu?");
        question.ParallelToolCallsEnabled = false;
        var first = await StreamedResponse.ReadAsync(emulator.Responses, question);
        var outputs = Ask.Outputs(conversation, (first.Calls.ShouldHaveSingleItem().CallId, "{}"));
        outputs.ParallelToolCallsEnabled = false;

        var second = await StreamedResponse.ReadAsync(emulator.Responses, outputs);

        second.CallTexts.ShouldBe(["""get_weather {"city":"Cebu","country_code":null}"""]);
    }

    private async Task<IReadOnlyList<string>> CallsAsync(string text) =>
        (await StreamedResponse.ReadAsync(emulator.Responses, Ask.Question(null, text))).CallTexts;
}
