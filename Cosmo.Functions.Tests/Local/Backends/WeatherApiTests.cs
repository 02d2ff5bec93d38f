using System.Net;

namespace Cosmo.Functions.Tests.Local.Backends;

public sealed class WeatherApiTests(BackendsFixture backends) : IClassFixture<BackendsFixture>
{
    [Theory]
    [InlineData("Makati", "Makati", "PH")]
    [InlineData("cebu", "Cebu City", "PH")]
    [InlineData("Quezon City", "Quezon City", "PH")]
    [InlineData("paranaque", "Parañaque", "PH")]
    [InlineData("London", "London", "GB")]
    [InlineData("London,CA", "London", "CA")]
    [InlineData("San Fernando,La Union,PH", "San Fernando", "PH")]
    public async Task A_city_is_found_by_name_and_country(string query, string name, string country)
    {
        var (status, places) = await backends.GetAsync($"geo/1.0/direct?q={Uri.EscapeDataString(query)}&limit=1&appid=k");

        status.ShouldBe(HttpStatusCode.OK);
        places.AsArray().Count.ShouldBe(1);
        places[0]!["name"]!.ToString().ShouldBe(name);
        places[0]!["country"]!.ToString().ShouldBe(country);
    }

    [Fact]
    public async Task Cities_of_one_name_are_all_found_up_to_the_limit()
    {
        (await backends.GetAsync("geo/1.0/direct?q=Valencia&limit=5&appid=k")).Body.AsArray().Select(place => place!["country"]!.ToString()).ShouldBe(["ES", "VE", "PH"]);
        (await backends.GetAsync("geo/1.0/direct?q=Valencia&limit=2&appid=k")).Body.AsArray().Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_city_that_does_not_exist_is_an_empty_list() =>
        (await backends.GetAsync("geo/1.0/direct?q=Atlantis&limit=1&appid=k")).Body.AsArray().ShouldBeEmpty();

    [Fact]
    public async Task The_weather_of_a_place_has_the_services_fields_and_stays_the_same()
    {
        const string path = "data/2.5/weather?lat=14.5568&lon=121.0211&units=metric&appid=k";
        var (status, weather) = await backends.GetAsync(path);
        var again = await backends.GetAsync(path);

        status.ShouldBe(HttpStatusCode.OK);
        weather["name"]!.ToString().ShouldBe("Makati");
        weather["sys"]!["country"]!.ToString().ShouldBe("PH");
        weather["main"]!["temp"]!.GetValue<double>().ShouldBeInRange(15, 38);
        weather["main"]!["humidity"]!.GetValue<int>().ShouldBeInRange(0, 100);
        weather["weather"]![0]!["description"]!.ToString().ShouldNotBeEmpty();
        weather["wind"]!["speed"]!.GetValue<double>().ShouldBeGreaterThanOrEqualTo(0);
        again.Body.ToJsonString().ShouldBe(weather.ToJsonString());
    }

    [Fact]
    public async Task Without_metric_units_temperatures_are_in_kelvin()
    {
        var (_, weather) = await backends.GetAsync("data/2.5/weather?lat=14.5568&lon=121.0211&appid=k");

        weather["main"]!["temp"]!.GetValue<double>().ShouldBeGreaterThan(280);
    }

    [Theory]
    [InlineData("geo/1.0/direct?q=Makati", 401, "401", "Invalid API key")]
    [InlineData("data/2.5/weather?lat=1&lon=1", 401, "401", "Invalid API key")]
    [InlineData("geo/1.0/direct?appid=k", 400, "400", "Nothing to geocode")]
    [InlineData("data/2.5/weather?lat=95&lon=1&appid=k", 400, "400", "wrong latitude")]
    [InlineData("data/2.5/weather?lat=1&lon=abc&appid=k", 400, "400", "wrong longitude")]
    [InlineData("data/9.9/weather?appid=k", 404, "404", "Internal error")]
    public async Task A_wrong_call_gets_the_services_error(string path, int status, string code, string message)
    {
        var (actual, body) = await backends.GetAsync(path);

        ((int)actual).ShouldBe(status);
        body["cod"]!.ToString().ShouldBe(code);
        body["message"]!.ToString().ShouldContain(message);
    }
}
