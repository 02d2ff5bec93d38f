using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.Backends;

/// <summary>The made-up weather of a place on a day (UTC): plausible for its latitude and the season, the same all day.</summary>
internal sealed class WeatherReport(double latitude, double longitude, DateTimeOffset now)
{
    private const double KelvinAtFreezing = 273.15;

    private static readonly (int Id, string Main, string Description, string Icon, int Clouds)[] Conditions =
    [
        (800, "Clear", "clear sky", "01d", 0),
        (801, "Clouds", "few clouds", "02d", 20),
        (802, "Clouds", "scattered clouds", "03d", 40),
        (803, "Clouds", "broken clouds", "04d", 75),
        (804, "Clouds", "overcast clouds", "04d", 100),
        (500, "Rain", "light rain", "10d", 75),
        (501, "Rain", "moderate rain", "10d", 90),
        (211, "Thunderstorm", "thunderstorm", "11d", 75),
        (721, "Haze", "haze", "50d", 40),
    ];

    private readonly City? _city = City.Near(latitude, longitude);
    private readonly DateTimeOffset _day = new(now.UtcDateTime.Date, TimeSpan.Zero);

    public JsonObject ToJson(string? units)
    {
        var condition = Conditions[(int)(Chance(1) * Conditions.Length)];
        var celsius = Temperature();
        var humidity = 40 + (int)(Chance(3) * 55);
        var zone = (int)Math.Round(longitude / 15) * 3600;
        var sunrise = _day.AddHours(6).AddSeconds(-zone).ToUnixTimeSeconds();
        var wind = Math.Round(Chance(5) * 9, 2);
        return new JsonObject
        {
            ["coord"] = new JsonObject { ["lon"] = longitude, ["lat"] = latitude },
            ["weather"] = new JsonArray(new JsonObject
            {
                ["id"] = condition.Id,
                ["main"] = condition.Main,
                ["description"] = condition.Description,
                ["icon"] = condition.Icon,
            }),
            ["base"] = "stations",
            ["main"] = new JsonObject
            {
                ["temp"] = In(units, celsius),
                ["feels_like"] = In(units, celsius + (celsius > 20 ? (humidity - 40) / 10.0 : -wind / 3)),
                ["temp_min"] = In(units, celsius - 1.2),
                ["temp_max"] = In(units, celsius + 1.4),
                ["pressure"] = 1000 + (int)(Chance(4) * 25),
                ["humidity"] = humidity,
            },
            ["visibility"] = 10_000,
            ["wind"] = new JsonObject { ["speed"] = units == "imperial" ? Math.Round(wind * 2.237, 2) : wind, ["deg"] = (int)(Chance(6) * 360) },
            ["clouds"] = new JsonObject { ["all"] = condition.Clouds },
            ["dt"] = _day.ToUnixTimeSeconds(),
            ["sys"] = new JsonObject
            {
                ["country"] = _city?.Country ?? "",
                ["sunrise"] = sunrise,
                ["sunset"] = sunrise + (12 * 3600),
            },
            ["timezone"] = zone,
            ["id"] = _city is null ? 0 : 1_700_000 + (int)(Hash(7, daily: false) % 100_000),
            ["name"] = _city?.Name ?? "",
            ["cod"] = 200,
        };
    }

    private static double In(string? units, double celsius) => Math.Round(units switch
    {
        "metric" => celsius,
        "imperial" => (celsius * 9 / 5) + 32,
        _ => celsius + KelvinAtFreezing,
    }, 2);

    private double Temperature()
    {
        var summer = Math.Cos((_day.DayOfYear - 200) / 365.0 * 2 * Math.PI) * Math.Sign(latitude);
        return 30 - (Math.Abs(latitude) * 0.4) + (summer * Math.Abs(latitude) * 0.2) + ((Chance(2) - 0.5) * 5);
    }

    /// <summary>A number from 0 up to 1 that is the same for the place, the day and <paramref name="what"/>.</summary>
    private double Chance(int what) => Hash(what, daily: true) / (uint.MaxValue + 1.0);

    private uint Hash(int what, bool daily)
    {
        long[] parts = [what, (long)Math.Round(latitude * 100), (long)Math.Round(longitude * 100), daily ? _day.ToUnixTimeSeconds() : 0];
        var hash = 14695981039346656037UL;
        foreach (var part in parts)
        {
            hash = (hash ^ (ulong)part) * 1099511628211UL;
            hash ^= hash >> 29;
        }

        return (uint)(hash >> 32);
    }
}
