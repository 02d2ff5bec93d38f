using System.ComponentModel.DataAnnotations;

namespace Cosmo.Functions.Tools.Weather;

/// <summary>Access to OpenWeather. Section <c>Cosmo:Tools:Weather</c>.</summary>
internal sealed class WeatherOptions
{
    public const string Section = "Cosmo:Tools:Weather";

    /// <summary>OpenWeather's key. Without one, <c>get_weather</c> is not offered.</summary>
    public string? ApiKey { get; set; }

    /// <summary>Where OpenWeather is, without a path. Default <c>https://api.openweathermap.org</c>.</summary>
    [RegularExpression("^https?://[^/?#@]+/?$", ErrorMessage = "Cosmo:Tools:Weather:BaseUrl (OPENWEATHER_BASE_URL) must be an http or https address without a user name or a path.")]
    public string BaseUrl { get; set; } = "https://api.openweathermap.org";
}
