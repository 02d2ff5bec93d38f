using System.Text.Json.Nodes;
using Cosmo.Functions.Tools.Weather;
using Microsoft.AspNetCore.Http;

namespace Cosmo.Functions.Tests.Tools.Weather;

public sealed class GetWeatherTests : IAsyncDisposable
{
    private const string Key = "k3y/secret";
    private const string InMakati = """{"city":"Makati","country_code":null}""";
    private const string Makati = """[{"name":"Makati","local_names":{"en":"Makati"},"lat":14.5567,"lon":121.0214,"country":"PH","state":"Metro Manila"}]""";
    private const string Weather = """
        {"weather":[{"id":500,"main":"Rain","description":"light rain","icon":"10d"}],"main":{"temp":29.4,"feels_like":33.1,"pressure":1009,"humidity":74},
         "wind":{"speed":3.6,"deg":90},"name":"Makati City","cod":200}
        """;

    private HttpStub? _openWeather;
    private ToolSetup? _setup;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        if (_setup is not null)
        {
            await _setup.DisposeAsync();
        }

        if (_openWeather is not null)
        {
            await _openWeather.DisposeAsync();
        }
    }

    [Fact]
    public async Task The_weather_of_a_city_has_the_fields_of_the_contract()
    {
        await StartAsync(AnswerWell);

        var output = await AskAsync("""{"city":" Makati ","country_code":"PH"}""");

        JsonNode.DeepEquals(
            JsonNode.Parse(output),
            JsonNode.Parse("""
                {"temperature":29.4,"feels_like":33.1,"humidity":74,"description":"light rain","wind_speed":3.6,
                 "location":{"name":"Makati","country":"PH"}}
                """)).ShouldBeTrue(output);
        _openWeather!.Requests.ShouldBe(
        [
            "/geo/1.0/direct?limit=1&q=Makati%2CPH&appid=k3y%2Fsecret",
            "/data/2.5/weather?units=metric&lat=14.5567&lon=121.0214&appid=k3y%2Fsecret",
        ]);
    }

    [Fact]
    public async Task What_the_model_writes_as_city_cannot_change_the_request()
    {
        await StartAsync(AnswerWell);

        await AskAsync("""{"city":"x&appid=other#../?q=ñ","country_code":null}""");

        _openWeather!.Requests.First().ShouldBe("/geo/1.0/direct?limit=1&q=x%26appid%3Dother%23..%2F%3Fq%3D%C3%B1&appid=k3y%2Fsecret");
    }

    [Fact]
    public async Task A_city_that_is_not_found_is_said_so()
    {
        await StartAsync(context => context.Response.WriteAsync("[]"));

        (await AskAsync("""{"city":"Atlantis","country_code":"GR"}""")).ShouldContain("No city named 'Atlantis' was found in GR.");
        (await AskAsync("""{"city":"Atlantis","country_code":null}""")).ShouldContain("No city named 'Atlantis' was found.");
    }

    [Fact]
    public async Task The_same_city_is_not_looked_up_again_while_it_is_remembered()
    {
        await StartAsync(AnswerWell);

        await AskAsync(InMakati);
        await AskAsync("""{"city":"MAKATI","country_code":null}""");
        _openWeather!.Requests.Count.ShouldBe(2);

        _setup!.Time.Advance(TimeSpan.FromMinutes(5));
        await AskAsync(InMakati);
        _openWeather.Requests.Count(request => request.StartsWith("/geo", StringComparison.Ordinal)).ShouldBe(1);
        _openWeather.Requests.Count(request => request.StartsWith("/data", StringComparison.Ordinal)).ShouldBe(2);

        _setup!.Time.Advance(TimeSpan.FromDays(1));
        await AskAsync(InMakati);
        _openWeather.Requests.Count.ShouldBe(5);
    }

    [Fact]
    public async Task A_city_that_many_ask_for_at_once_is_looked_up_once()
    {
        var open = new TaskCompletionSource();
        await StartAsync(async context =>
        {
            await open.Task;
            await AnswerWell(context);
        });

        var asking = Enumerable.Range(0, 20).Select(_ => AskAsync(InMakati)).ToList();
        open.SetResult();

        (await Task.WhenAll(asking)).ShouldAllBe(output => output.Contains("29.4"));
        _openWeather!.Requests.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_failure_is_not_remembered()
    {
        var known = false;
        await StartAsync(context => known ? AnswerWell(context) : context.Response.WriteAsync("[]"));
        (await AskAsync(InMakati)).ShouldContain("No city named 'Makati' was found.");

        known = true;

        (await AskAsync(InMakati)).ShouldContain("29.4");
    }

    [Theory]
    [InlineData(401, "does not accept Cosmo's key")]
    [InlineData(403, "does not accept Cosmo's key")]
    [InlineData(418, "refused the request (status 418)")]
    public async Task A_failure_that_lasts_is_reported_at_once(int status, string sentence)
    {
        await StartAsync(Status(status));

        (await AskAsync(InMakati)).ShouldContain(sentence);
        _openWeather!.Requests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(429, "too many requests")]
    [InlineData(503, "has a problem right now")]
    public async Task A_failure_that_may_pass_is_tried_three_times(int status, string sentence)
    {
        await StartAsync(Status(status));

        (await AskAsync(InMakati)).ShouldContain(sentence);
        _openWeather!.Requests.Count.ShouldBe(3);
    }

    [Fact]
    public async Task A_failure_that_passes_is_not_noticed()
    {
        var first = true;
        await StartAsync(context =>
        {
            var fail = first;
            first = false;
            return fail ? Status(500)(context) : AnswerWell(context);
        });

        (await AskAsync(InMakati)).ShouldContain("29.4");
    }

    [Fact]
    public async Task A_longer_Retry_After_than_a_chat_can_wait_ends_the_tries()
    {
        await StartAsync(context =>
        {
            context.Response.Headers.RetryAfter = "60";
            return Status(429)(context);
        });

        (await AskAsync(InMakati)).ShouldContain("too many requests");
        _openWeather!.Requests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("not JSON")]
    [InlineData("{}")]
    [InlineData("""[{"name":"Makati"}]""")]
    [InlineData("""[{"name":null,"lat":1,"lon":2,"country":"PH"}]""")]
    public async Task An_answer_that_cannot_be_read_is_said_so(string answer)
    {
        await StartAsync(context => context.Response.WriteAsync(answer));

        (await AskAsync(InMakati)).ShouldContain("The answer of the weather service could not be read.");
    }

    [Theory]
    [InlineData("""{"main":{"temp":29.4,"humidity":74},"weather":[{"description":"light rain"}]}""", "feels_like wind_speed")]
    [InlineData("""{"main":{"temp":"29.4","feels_like":null,"humidity":"wet"},"weather":[null,{"description":"light rain"}],"wind":{"speed":NaN}}""", "feels_like humidity wind_speed")]
    [InlineData("""{"main":{"temp":29.4,"feels_like":{},"humidity":[1]},"weather":null,"wind":null}""", "feels_like humidity description wind_speed")]
    [InlineData("""{"main":{"temp":29.4},"weather":[],"wind":[3]}""", "feels_like humidity description wind_speed")]
    [InlineData("""{"main":{"temp":29.4},"weather":[{"description":"\ud83d"}],"note":"\ud83d"}""", "feels_like humidity description wind_speed")]
    public async Task What_can_be_read_of_the_weather_is_told_and_what_cannot_is_named(string weather, string missing)
    {
        await StartAsync(context => context.Response.WriteAsync(context.Request.Path.StartsWithSegments("/geo") ? Makati : weather));

        var output = JsonNode.Parse(await AskAsync(InMakati))!.AsObject();

        output["temperature"]!.GetValue<double>().ShouldBe(29.4);
        output["not_available"]!.AsArray().Select(name => name!.GetValue<string>()).ShouldBe(missing.Split(' '));
        output.Select(field => field.Key).Intersect(missing.Split(' ')).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("""{"main":{},"weather":[],"wind":{}}""")]
    [InlineData("""{"cod":"404","message":"city not found"}""")]
    [InlineData("null")]
    [InlineData("[]")]
    public async Task Weather_of_which_nothing_can_be_read_is_said_so(string weather)
    {
        await StartAsync(context => context.Response.WriteAsync(context.Request.Path.StartsWithSegments("/geo") ? Makati : weather));

        (await AskAsync(InMakati)).ShouldContain("The answer of the weather service could not be read.");
    }

    [Fact]
    public async Task A_place_without_name_and_country_is_the_city_that_was_asked_for()
    {
        await StartAsync(context => context.Response.WriteAsync(context.Request.Path.StartsWithSegments("/geo") ? """[{"lat":"14.5","lon":121}]""" : Weather));

        var output = JsonNode.Parse(await AskAsync(InMakati))!;

        output["location"]!.ToJsonString().ShouldBe("""{"name":"Makati"}""");
        output["not_available"]!.ToJsonString().ShouldBe("""["location.country"]""");
        _openWeather!.Requests.Last().ShouldContain("lat=14.5&lon=121&");
    }

    [Theory]
    [InlineData("-5")]
    [InlineData("0")]
    [InlineData("NaN")]
    [InlineData("Sun, 06 Nov 1994 08:49:37 GMT")]
    [InlineData("soon")]
    public async Task A_Retry_After_in_the_past_or_of_no_meaning_is_no_wait(string retryAfter)
    {
        var first = true;
        await StartAsync(context =>
        {
            var fail = first;
            first = false;
            context.Response.Headers.RetryAfter = retryAfter;
            return fail ? Status(429)(context) : AnswerWell(context);
        });

        (await AskAsync(InMakati)).ShouldContain("29.4");
    }

    [Fact]
    public async Task An_answer_that_is_too_large_is_not_read()
    {
        await StartAsync(async context =>
        {
            var chunk = new byte[65_536];
            for (var i = 0; i < 64; i++)
            {
                await context.Response.Body.WriteAsync(chunk, context.RequestAborted);
            }
        });

        (await AskAsync(InMakati)).ShouldContain("too large");
    }

    [Fact]
    public async Task A_service_that_does_not_answer_is_given_up_within_the_time_limit()
    {
        var asked = new SemaphoreSlim(0);
        await StartAsync(async context =>
        {
            asked.Release();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });

        var asking = AskAsync(InMakati);
        for (var tries = 0; tries < 3; tries++)
        {
            await asked.WaitAsync(Cancellation);
            _setup!.Time.Advance(TimeSpan.FromSeconds(5));
        }

        (await asking).ShouldContain("did not answer in time");
    }

    [Fact]
    public async Task A_service_that_cannot_be_reached_is_said_so()
    {
        await StartAsync(AnswerWell);
        await _openWeather!.DisposeAsync();
        _openWeather = null;

        (await AskAsync(InMakati)).ShouldContain("cannot be reached");
    }

    [Theory]
    [InlineData(200)]
    [InlineData(401)]
    [InlineData(500)]
    public async Task The_key_stands_in_no_log_and_no_error(int status)
    {
        await StartAsync(Status(status));

        var output = await AskAsync(InMakati);

        _setup!.Logs.Text.ShouldNotBeEmpty();
        (output + _setup!.Logs.Text).ShouldNotContain("secret");
    }

    [Fact]
    public async Task Without_a_key_the_tool_is_not_offered()
    {
        await StartAsync(AnswerWell, key: "");

        _setup!.Toolbox.All.ShouldNotContain(tool => tool.Name == "get_weather");
    }

    [Theory]
    [InlineData("api.openweathermap.org")]
    [InlineData("ftp://api.openweathermap.org")]
    [InlineData("https://api.openweathermap.org/data/2.5")]
    [InlineData("https://name:password@api.openweathermap.org")]
    public async Task An_address_that_is_none_is_refused_with_the_settings_name(string url)
    {
        await StartAsync(AnswerWell, url: url);

        _setup!.ErrorsOf<WeatherOptions>().ShouldContain("Cosmo:Tools:Weather:BaseUrl (OPENWEATHER_BASE_URL)");
    }

    private static Task AnswerWell(HttpContext context) =>
        context.Response.WriteAsync(context.Request.Path.StartsWithSegments("/geo") ? Makati : Weather);

    private static Func<HttpContext, Task> Status(int status) => context =>
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync($$"""{"cod":{{status}},"message":"appid {{Key}} is wrong"}""");
    };

    private async Task StartAsync(Func<HttpContext, Task> answer, string key = Key, string? url = null)
    {
        _openWeather = await HttpStub.StartAsync(answer);
        _setup = new ToolSetup(new()
        {
            ["Cosmo:Tools:Weather:ApiKey"] = key,
            ["Cosmo:Tools:Weather:BaseUrl"] = url ?? _openWeather.Url.ToString(),
        });
    }

    private Task<string> AskAsync(string arguments) => _setup!.RunAsync("get_weather", arguments);
}
