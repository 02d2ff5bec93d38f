using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace Cosmo.Functions.Tools.Weather;

/// <summary>The current weather in a city.</summary>
internal sealed class GetWeather(OpenWeather openWeather) : Tool<GetWeatherArguments, GetWeatherResult>
{
    public override string Name => "get_weather";

    public override string Description =>
        "Gets the current weather in a city: temperature and feels_like in °C, humidity in %, wind_speed in m/s. "
        + "If several cities have the name, the result's location says which one was taken; give country_code to choose another. "
        + "What stands in not_available is not known: say so, and do not guess it.";

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
        string?[] missing =
        [
            weather.Temperature is null ? "temperature" : null,
            weather.FeelsLike is null ? "feels_like" : null,
            weather.Humidity is null ? "humidity" : null,
            weather.Description is null ? "description" : null,
            weather.WindSpeed is null ? "wind_speed" : null,
            place.Country is null ? "location.country" : null,
        ];
        return new GetWeatherResult(
            weather.Temperature,
            weather.FeelsLike,
            weather.Humidity,
            weather.Description,
            weather.WindSpeed,
            new WeatherLocation(place.Name, place.Country),
            missing.OfType<string>().ToList() is { Count: > 0 } names ? names : null);
    }
}

internal sealed record GetWeatherArguments(
    [Description("The city's name alone, for example Makati.")] string City,
    [Description("The two-letter ISO 3166 code of its country, for example PH; null if it is not known.")]
    [RegularExpression("^[A-Z]{2}$")] string? CountryCode);

/// <summary>What OpenWeather does not say stands in none of the fields, and its name in the last.</summary>
internal sealed record GetWeatherResult(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Temperature,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? FeelsLike,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Humidity,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Description,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? WindSpeed,
    WeatherLocation Location,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? NotAvailable);

internal sealed record WeatherLocation(string Name, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Country);
