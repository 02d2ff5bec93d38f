using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Cosmo.Functions.Tools.Weather;

/// <summary>The current weather in a city.</summary>
internal sealed class GetWeather(OpenWeather openWeather) : Tool<GetWeatherArguments, GetWeatherResult>
{
    public override string Name => "get_weather";

    public override string Description =>
        "Gets the current weather in a city: temperature and feels_like in °C, humidity in %, wind_speed in m/s. "
        + "If several cities have the name, the result's location says which one was taken; give country_code to choose another.";

    public override IReadOnlyList<string> Roles => [ITool.Anyone];

    public override bool IsConfigured => openWeather.HasKey;

    protected override async Task<GetWeatherResult> ExecuteAsync(GetWeatherArguments arguments, CancellationToken cancellationToken)
    {
        var city = arguments.City.Trim();
        if (city.Length is 0 or > 100)
        {
            throw new ToolException("The argument 'city' must be the name of a city, of 1 to 100 characters.");
        }

        var place = await openWeather.FindPlaceAsync(city, arguments.CountryCode, cancellationToken);
        var weather = await openWeather.GetCurrentAsync(place, cancellationToken);
        return new GetWeatherResult(
            weather.Main.Temp,
            weather.Main.FeelsLike,
            weather.Main.Humidity,
            weather.Weather is [{ } condition, ..] ? condition.Description : "unknown",
            weather.Wind.Speed,
            new WeatherLocation(place.Name, place.Country));
    }
}

internal sealed record GetWeatherArguments(
    [Description("The city's name alone, for example Makati.")] string City,
    [Description("The two-letter ISO 3166 code of its country, for example PH; null if it is not known.")]
    [RegularExpression("^[A-Z]{2}$")] string? CountryCode);

internal sealed record GetWeatherResult(
    double Temperature, double FeelsLike, double Humidity, string Description, double WindSpeed, WeatherLocation Location);

internal sealed record WeatherLocation(string Name, string Country);
