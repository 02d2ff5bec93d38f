using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tools.Weather;

/// <summary>OpenWeather's geocoding and current weather. Places are remembered for a day, weather for five minutes.</summary>
internal sealed class OpenWeather(ApiClient api, IOptions<WeatherOptions> options, TimeProvider time)
{
    private const string Service = "the weather service";
    private const int MaxRemembered = 1000;

    private readonly WeatherOptions _options = options.Value;
    private readonly RecentValues<(string City, string? Country), Place> _places = new(MaxRemembered, TimeSpan.FromDays(1), time);
    private readonly RecentValues<Place, CurrentWeather> _weather = new(MaxRemembered, TimeSpan.FromMinutes(5), time);

    public bool HasKey => !string.IsNullOrWhiteSpace(_options.ApiKey);

    /// <summary>The first place of this name, or null.</summary>
    public async Task<Place?> FindPlaceAsync(string city, string? countryCode, CancellationToken cancellationToken)
    {
        var key = (city.ToUpperInvariant(), countryCode);
        if (_places.TryGet(key, out var known))
        {
            return known;
        }

        var query = countryCode is null ? city : $"{city},{countryCode}";
        var places = await GetAsync<Place[]>("/geo/1.0/direct?limit=1&q=" + Uri.EscapeDataString(query), cancellationToken);
        if (places is not [{ } place, ..])
        {
            return null;
        }

        _places.Set(key, place);
        return place;
    }

    /// <summary>The weather there, in metric units.</summary>
    public async Task<CurrentWeather> GetCurrentAsync(Place place, CancellationToken cancellationToken)
    {
        if (_weather.TryGet(place, out var known))
        {
            return known;
        }

        var query = string.Create(CultureInfo.InvariantCulture, $"/data/2.5/weather?units=metric&lat={place.Lat}&lon={place.Lon}");
        var weather = await GetAsync<CurrentWeather>(query, cancellationToken)
            ?? throw new ToolException($"The weather service has no current weather for {place.Name}.");
        _weather.Set(place, weather);
        return weather;
    }

    private async Task<T?> GetAsync<T>(string pathAndQuery, CancellationToken cancellationToken)
        where T : class
    {
        var uri = new Uri($"{_options.BaseUrl.TrimEnd('/')}{pathAndQuery}&appid={Uri.EscapeDataString(_options.ApiKey!)}");
        try
        {
            var answer = await api.GetAsync(Service, uri, apiKey: null, cancellationToken);
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
