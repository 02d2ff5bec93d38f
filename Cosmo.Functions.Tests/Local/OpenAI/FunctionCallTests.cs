namespace Cosmo.Functions.Tests.Local.OpenAI;

public sealed class FunctionCallTests(EmulatorFixture emulator) : IClassFixture<EmulatorFixture>
{
    private const string Weather = """
        {"temperature":31.4,"feels_like":37,"humidity":70,"description":"scattered clouds","wind_speed":3.6,"location":{"name":"Makati","country":"PH"}}
        """;

    [Fact]
    public async Task The_weather_is_asked_for_and_told_with_its_figures()
    {
        var conversation = await emulator.NewConversationAsync();
        var asked = await StreamedResponse.ReadAsync(emulator.Responses, Ask.Question(conversation, "Weather in Makati?"));
        asked.CallTexts.ShouldBe(["""get_weather {"city":"Makati","country_code":null}"""]);
        asked.Text.ShouldBeEmpty();

        var answer = await StreamedResponse.ReadAsync(emulator.Responses, Ask.Outputs(conversation, (asked.Calls[0].CallId, Weather)));

        answer.Text.ShouldContain("Makati, PH");
        answer.Text.ShouldContain("31.4 °C");
        answer.Text.ShouldContain("70 %");
        answer.Text.ShouldContain("scattered clouds");
    }

    [Fact]
    public async Task Several_things_in_one_message_are_parallel_calls_and_one_answer()
    {
        var conversation = await emulator.NewConversationAsync();
        var asked = await StreamedResponse.ReadAsync(
            emulator.Responses,
            Ask.Question(conversation, "What is the weather in Makati, and do you have offices in Cebu City for 20 people?"));
        asked.CallTexts.ShouldBe(["""get_weather {"city":"Makati","country_code":null}""", """get_available_offices {"city":"Cebu City","capacity":20}"""]);

        var answer = await StreamedResponse.ReadAsync(emulator.Responses, Ask.Outputs(
            conversation,
            (asked.Calls[0].CallId, Weather),
            (asked.Calls[1].CallId, """{"total_available_spaces":1,"city":"Cebu City","required_capacity":20,"available_offices":[{"OfficeName":"Sky Tower 7","Capacity":24}]}""")));

        answer.Calls.ShouldBeEmpty();
        answer.Text.ShouldContain("31.4 °C");
        answer.Text.ShouldContain("Sky Tower 7");
    }

    [Fact]
    public async Task An_error_of_a_tool_is_passed_on_politely()
    {
        var conversation = await emulator.NewConversationAsync();
        var asked = await StreamedResponse.ReadAsync(emulator.Responses, Ask.Question(conversation, "Weather in Atlantis?"));

        var answer = await StreamedResponse.ReadAsync(
            emulator.Responses,
            Ask.Outputs(conversation, (asked.Calls[0].CallId, "There is no city called Atlantis. Ask the user for another one.")));

        answer.Text.ShouldStartWith("I am sorry");
        answer.Text.ShouldContain("There is no city called Atlantis.");
        answer.Text.ShouldNotContain("Ask the user");
    }

    [Fact]
    public async Task An_output_that_was_cut_is_told_as_such()
    {
        var conversation = await emulator.NewConversationAsync();
        var asked = await StreamedResponse.ReadAsync(emulator.Responses, Ask.Question(conversation, "Active clients?"));

        var answer = await StreamedResponse.ReadAsync(
            emulator.Responses,
            Ask.Outputs(conversation, (asked.Calls[0].CallId, """{"note":"The output was cut.","beginning_of_output":"{\"total_active_clients\":9"}""")));

        answer.Text.ShouldContain("more than I could look at");
        answer.Text.ShouldContain("total_active_clients");
    }
}
