using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Tools.Weather;

namespace Cosmo.Functions.Tools;

/// <summary>The current weather in a city.</summary>
internal sealed class GetWeather(OpenWeather openWeather) : Tool<GetWeatherArguments>
{
    public override string Name => "get_weather";

    public override string Description =>
        "Gets the current weather in a city: temperature and feels_like in °C, humidity in %, wind_speed in m/s. "
        + "If several cities have the name, the result's location says which one was taken; give country_code to choose another.";

    public override bool IsConfigured => openWeather.HasKey;

    protected override async Task<JsonNode> ExecuteAsync(GetWeatherArguments arguments, CancellationToken cancellationToken)
    {
        var city = arguments.City.Trim();
        if (city.Length is 0 or > 100)
        {
            throw new ToolException("The argument 'city' must be the name of a city, of 1 to 100 characters.");
        }

        var place = await openWeather.FindPlaceAsync(city, arguments.CountryCode, cancellationToken)
            ?? throw new ToolException(arguments.CountryCode is null
                ? $"No city named '{city}' was found. Ask the user for another spelling or a larger city nearby."
                : $"No city named '{city}' was found in {arguments.CountryCode}. Try without country_code, or ask the user for another spelling.");
        var weather = await openWeather.GetCurrentAsync(place, cancellationToken);
        return JsonSerializer.SerializeToNode(
            new
            {
                Temperature = weather.Main.Temp,
                weather.Main.FeelsLike,
                weather.Main.Humidity,
                Description = weather.Weather is [{ } condition, ..] ? condition.Description : "unknown",
                WindSpeed = weather.Wind.Speed,
                Location = new { place.Name, place.Country },
            },
            ToolJson.Options)!;
    }
}

internal sealed record GetWeatherArguments(
    [Description("The city's name alone, for example Makati.")] string City,
    [Description("The two-letter ISO 3166 code of its country, for example PH; null if it is not known.")]
    [RegularExpression("^[A-Z]{2}$")] string? CountryCode);
