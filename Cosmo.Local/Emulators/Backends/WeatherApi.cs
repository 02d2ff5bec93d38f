using System.Globalization;
using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.Backends;

/// <summary>OpenWeather's geocoding and current weather. Any key is accepted, none is not.</summary>
internal sealed class WeatherApi(TimeProvider clock)
{
    private const int MaxPlaces = 5;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/geo/1.0/direct", context => WithKeyAsync(context, GeocodeAsync));
        routes.MapGet("/data/2.5/weather", context => WithKeyAsync(context, CurrentAsync));
    }

    public static Task NotFoundAsync(HttpContext context) => BackendJson.WriteAsync(context, 404, Error(404));

    /// <summary>The service's body for an error. It writes some codes as numbers and some as texts.</summary>
    public static JsonObject Error(int status, string? message = null) => new()
    {
        ["cod"] = status is 400 or 404 ? status.ToString(CultureInfo.InvariantCulture) : status,
        ["message"] = message ?? status switch
        {
            401 => "Invalid API key. Please see https://openweathermap.org/faq#error401 for more info.",
            404 => "Internal error",
            429 => "Your account is temporary blocked due to exceeding of requests limitation of your subscription type. "
                + "Please choose the proper subscription https://openweathermap.org/price",
            _ => "Internal server error",
        },
    };

    private static Task WithKeyAsync(HttpContext context, Func<HttpContext, Task> answer) =>
        string.IsNullOrWhiteSpace(context.Request.Query["appid"]) ? BackendJson.WriteAsync(context, 401, Error(401)) : answer(context);

    private static Task GeocodeAsync(HttpContext context)
    {
        var query = context.Request.Query["q"].ToString();
        if (string.IsNullOrWhiteSpace(query))
        {
            return BackendJson.WriteAsync(context, 400, Error(400, "Nothing to geocode"));
        }

        var limit = int.TryParse(context.Request.Query["limit"], NumberStyles.None, CultureInfo.InvariantCulture, out var asked) ? Math.Clamp(asked, 1, MaxPlaces) : 1;
        return BackendJson.WriteAsync(context, 200, new JsonArray([.. City.Find(query).Take(limit).Select(city => (JsonNode)city.ToJson())]));
    }

    private Task CurrentAsync(HttpContext context)
    {
        var query = context.Request.Query;
        if (!TryRead(query["lat"], 90, out var latitude))
        {
            return BackendJson.WriteAsync(context, 400, Error(400, query.ContainsKey("lat") ? "wrong latitude" : "Nothing to geocode"));
        }

        if (!TryRead(query["lon"], 180, out var longitude))
        {
            return BackendJson.WriteAsync(context, 400, Error(400, query.ContainsKey("lon") ? "wrong longitude" : "Nothing to geocode"));
        }

        return BackendJson.WriteAsync(context, 200, new WeatherReport(latitude, longitude, clock.GetUtcNow()).ToJson(query["units"]));
    }

    private static bool TryRead(string? text, double limit, out double degrees) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out degrees) && Math.Abs(degrees) <= limit;
}
