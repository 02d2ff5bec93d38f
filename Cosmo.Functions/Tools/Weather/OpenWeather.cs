using System.Globalization;
using System.Text.Json;
using Cosmo.Functions.Hosting;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tools.Weather;

/// <summary>OpenWeather's geocoding and current weather. Places are remembered for a day, weather for five minutes.</summary>
internal sealed class OpenWeather(ApiClient api, IOptions<WeatherOptions> options, TimeProvider clock)
{
    private const string Service = "the weather service";
    private const int MaxRemembered = 1000;

    private readonly WeatherOptions _options = options.Value;
    private readonly RecentValues<(string City, string? Country), Place> _places = new(MaxRemembered, TimeSpan.FromDays(1), clock);
    private readonly RecentValues<Place, CurrentWeather> _weather = new(MaxRemembered, TimeSpan.FromMinutes(5), clock);

    public bool HasKey => !string.IsNullOrWhiteSpace(_options.ApiKey);

    /// <summary>The first place of this name. Throws <see cref="ToolException"/> if there is none.</summary>
    public Task<Place> FindPlaceAsync(string city, string? countryCode, CancellationToken cancellationToken) =>
        _places.GetAsync((city.ToUpperInvariant(), countryCode), () => GeocodeAsync(city, countryCode), cancellationToken);

    /// <summary>The weather there, in metric units.</summary>
    public Task<CurrentWeather> GetCurrentAsync(Place place, CancellationToken cancellationToken) =>
        _weather.GetAsync(place, () => ReadAsync(place), cancellationToken);

    private async Task<Place> GeocodeAsync(string city, string? countryCode)
    {
        var query = countryCode is null ? city : $"{city},{countryCode}";
        var answer = await GetAsync("/geo/1.0/direct?limit=1&q=" + Uri.EscapeDataString(query));
        if (answer is { Kind: not JsonValueKind.Array })
        {
            throw ApiClient.Unreadable(Service);
        }

        if (answer?.Elements().Select(place => (ForeignJson?)place).FirstOrDefault() is not { } found)
        {
            throw new ToolException(countryCode is null
                ? $"No city named '{city}' was found. Ask the user for another spelling or a larger city nearby."
                : $"No city named '{city}' was found in {countryCode}. Try without country_code, or ask the user for another spelling.");
        }

        return (found["lat"]?.Real, found["lon"]?.Real) is ({ } lat, { } lon)
            ? new Place(Text(found["name"]) ?? city, Text(found["country"]), lat, lon)
            : throw ApiClient.Unreadable(Service);
    }

    private async Task<CurrentWeather> ReadAsync(Place place)
    {
        var query = string.Create(CultureInfo.InvariantCulture, $"/data/2.5/weather?units=metric&lat={place.Lat}&lon={place.Lon}");
        var answer = await GetAsync(query) ?? throw new ToolException($"The weather service has no current weather for {place.Name}.");
        var main = answer["main"];
        var weather = new CurrentWeather(
            main?["temp"]?.Real,
            main?["feels_like"]?.Real,
            main?["humidity"]?.Real,
            answer["weather"]?.Elements().Select(condition => Text(condition["description"])).FirstOrDefault(description => description is not null),
            answer["wind"]?["speed"]?.Real);
        return weather.IsEmpty ? throw ApiClient.Unreadable(Service) : weather;
    }

    private static string? Text(ForeignJson? value) => value?.Text is { } text && !string.IsNullOrWhiteSpace(text) ? text : null;

    private Task<ForeignJson?> GetAsync(string pathAndQuery)
    {
        var uri = new Uri($"{_options.BaseUrl.TrimEnd('/')}{pathAndQuery}&appid={Uri.EscapeDataString(_options.ApiKey!)}");
        return api.GetAsync(Service, uri, apiKey: null, CancellationToken.None);
    }
}

/// <param name="Name">Its name, as OpenWeather spells it.</param>
/// <param name="Country">The two-letter code of its country; null if OpenWeather does not say.</param>
/// <param name="Lat">Degrees north.</param>
/// <param name="Lon">Degrees east.</param>
internal sealed record Place(string Name, string? Country, double Lat, double Lon);

/// <summary>OpenWeather's answer, as far as it is used. What it does not say, or says in another form, is null.</summary>
/// <param name="Temperature">Degrees Celsius.</param>
/// <param name="FeelsLike">Degrees Celsius.</param>
/// <param name="Humidity">Per cent.</param>
/// <param name="Description">Such as "light rain".</param>
/// <param name="WindSpeed">Metres a second.</param>
internal sealed record CurrentWeather(double? Temperature, double? FeelsLike, double? Humidity, string? Description, double? WindSpeed)
{
    public bool IsEmpty => this == new CurrentWeather(null, null, null, null, null);
}
