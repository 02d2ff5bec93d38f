namespace Cosmo.Functions.Tests.Local.OpenAI;

public sealed class FollowUpTests(EmulatorFixture emulator) : IClassFixture<EmulatorFixture>
{
    private readonly Talk _talk = new(emulator);

    [Theory]
    [InlineData("and in Cebu?", "Cebu")]
    [InlineData("What about Davao City?", "Davao City")]
    [InlineData("how about tokyo then", "Tokyo")]
    [InlineData("Iloilo?", "Iloilo")]
    [InlineData("And how humid is it there?", "Makati")]
    public async Task The_weather_of_another_city_follows_on(string text, string city)
    {
        await _talk.SayAsync("Weather in Makati?");

        (await _talk.SayAsync(text)).Calls.ShouldBe([$$"""get_weather {"city":"{{city}}","country_code":null}"""]);
    }

    [Theory]
    [InlineData("what about 20 people?", "Makati", 20)]
    [InlineData("And in Taguig?", "Taguig", 5)]
    [InlineData("And in Cebu for 30?", "Cebu", 30)]
    public async Task Another_number_of_people_or_city_follows_on(string text, string city, int people)
    {
        await _talk.SayAsync("Offices in Makati for 5 people");

        (await _talk.SayAsync(text)).Calls.ShouldBe([$$"""get_available_offices {"city":"{{city}}","capacity":{{people}}}"""]);
    }

    [Fact]
    public async Task The_email_is_asked_for_and_then_understood()
    {
        var asked = await _talk.SayAsync("Show me the audit logs");
        asked.Calls.ShouldBeEmpty();
        asked.Answer.ShouldContain("e-mail address");

        var (calls, answer) = await _talk.SayAsync("It's maria@kmc.com");

        calls.ShouldBe(["""get_user_audit_logs {"email":"maria@kmc.com"}"""]);
        answer.ShouldContain("1 records for maria@kmc.com");
    }

    [Fact]
    public async Task The_same_person_need_not_be_named_twice()
    {
        await _talk.SayAsync("Audit logs of maria@kmc.com");

        (await _talk.SayAsync("And what is her role?")).Calls.ShouldBe(["""get_user_role {"email":"maria@kmc.com"}"""]);
        (await _talk.SayAsync("what about juan@kmc.com?")).Calls.ShouldBe(["""get_user_role {"email":"juan@kmc.com"}"""]);
    }

    [Fact]
    public async Task What_an_office_needs_is_asked_for_step_by_step()
    {
        (await _talk.SayAsync("Do you have offices?")).Answer.ShouldContain("In which city, and for how many people?");
        (await _talk.SayAsync("Makati")).Answer.ShouldContain("For how many people");

        (await _talk.SayAsync("about 12")).Calls.ShouldBe(["""get_available_offices {"city":"Makati","capacity":12}"""]);
    }

    [Fact]
    public async Task Half_of_a_message_is_answered_and_the_missing_half_asked_for()
    {
        var (calls, answer) = await _talk.SayAsync("Weather in Makati and the role of John");

        calls.ShouldBe(["""get_weather {"city":"Makati","country_code":null}"""]);
        answer.ShouldContain("31.4 °C");
        answer.ShouldContain("e-mail address");
    }

    [Theory]
    [InlineData("Tell me a joke")]
    [InlineData("What about a poem?")]
    [InlineData("Thanks")]
    [InlineData("Can you write that in French?")]
    public async Task Something_else_after_the_weather_is_not_a_city(string text)
    {
        await _talk.SayAsync("Weather in Makati?");

        (await _talk.SayAsync(text)).Calls.ShouldBeEmpty();
    }

    [Fact]
    public async Task Answers_tell_the_figures_of_each_field()
    {
        (await _talk.SayAsync("Active clients?")).Answer.ShouldContain("Managed IT: 30 clients (75");
        (await _talk.SayAsync("Offices in Cebu for 20 people")).Answer.ShouldContain("Sky Tower: Office id: 7, Capacity: 24");
        (await _talk.SayAsync("Role of maria@kmc.com")).Answer.ShouldContain("Operations Manager");
        (await _talk.SayAsync("Weather in Makati")).Answer.ShouldContain("umbrella");
    }
}
