using System.Globalization;
using System.Text.Json;
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
        return await GetAsync<Place[]>("/geo/1.0/direct?limit=1&q=" + Uri.EscapeDataString(query)) is [{ } place, ..]
            ? place
            : throw new ToolException(countryCode is null
                ? $"No city named '{city}' was found. Ask the user for another spelling or a larger city nearby."
                : $"No city named '{city}' was found in {countryCode}. Try without country_code, or ask the user for another spelling.");
    }

    private async Task<CurrentWeather> ReadAsync(Place place)
    {
        var query = string.Create(CultureInfo.InvariantCulture, $"/data/2.5/weather?units=metric&lat={place.Lat}&lon={place.Lon}");
        return await GetAsync<CurrentWeather>(query) ?? throw new ToolException($"The weather service has no current weather for {place.Name}.");
    }

    private async Task<T?> GetAsync<T>(string pathAndQuery)
        where T : class
    {
        var uri = new Uri($"{_options.BaseUrl.TrimEnd('/')}{pathAndQuery}&appid={Uri.EscapeDataString(_options.ApiKey!)}");
        try
        {
            var answer = await api.GetAsync(Service, uri, apiKey: null, CancellationToken.None);
            return answer?.Deserialize<T>(ToolJson.Answers);
        }
        catch (JsonException)
        {
            throw ApiClient.Unreadable(Service);
        }
    }
}

/// <param name="Name">Its name, as OpenWeather spells it.</param>
/// <param name="Country">The two-letter code of its country.</param>
/// <param name="Lat">Degrees north.</param>
/// <param name="Lon">Degrees east.</param>
internal sealed record Place(string Name, string Country, double Lat, double Lon);

/// <summary>OpenWeather's answer, as far as it is used.</summary>
internal sealed record CurrentWeather(Measurements Main, IReadOnlyList<Condition> Weather, Wind Wind);

/// <param name="Temp">Degrees Celsius.</param>
/// <param name="FeelsLike">Degrees Celsius.</param>
/// <param name="Humidity">Per cent.</param>
internal sealed record Measurements(double Temp, double FeelsLike, double Humidity);

/// <param name="Description">Such as "light rain".</param>
internal sealed record Condition(string Description);

/// <param name="Speed">Metres a second.</param>
internal sealed record Wind(double Speed);
