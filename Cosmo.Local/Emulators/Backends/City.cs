using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.Backends;

/// <summary>A city that the weather service knows.</summary>
internal sealed record City(string Name, string State, string Country, double Latitude, double Longitude)
{
    private const double NearDegrees = 0.5;

    /// <summary>The cities that a geocoding query ("city", "city,country" or "city,state,country") means, the largest first.</summary>
    public static IEnumerable<City> Find(string query)
    {
        var parts = query.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0)
        {
            return [];
        }

        var found = CityList.All.Where(city => Plain(city.Name) == Plain(parts[0]));
        found = parts.Length > 1 ? found.Where(city => city.Country.Equals(parts[^1], StringComparison.OrdinalIgnoreCase)) : found;
        return parts.Length > 2 ? found.Where(city => Plain(city.State) == Plain(parts[1])) : found;
    }

    /// <summary>The nearest city, if it is near enough to name a place after.</summary>
    public static City? Near(double latitude, double longitude) => CityList.All
        .Where(city => city.Distance(latitude, longitude) < NearDegrees)
        .MinBy(city => city.Distance(latitude, longitude));

    public JsonObject ToJson() => new()
    {
        ["name"] = Name,
        ["local_names"] = new JsonObject { ["en"] = Name },
        ["lat"] = Latitude,
        ["lon"] = Longitude,
        ["country"] = Country,
        ["state"] = State,
    };

    private double Distance(double latitude, double longitude) => double.Hypot(Latitude - latitude, Longitude - longitude);

    /// <summary>Small letters without accents and without the word city, by which names are compared.</summary>
    private static string Plain(string name)
    {
        var plain = string.Concat(name.ToLowerInvariant().Select(WithoutAccent)).Trim();
        return plain.EndsWith(" city", StringComparison.Ordinal) ? plain[..^" city".Length] : plain;
    }

    // Unicode normalization is not to be had with invariant globalization.
    private static char WithoutAccent(char letter) => letter switch
    {
        'ñ' => 'n',
        'é' or 'è' => 'e',
        'á' or 'ã' or 'â' => 'a',
        'ó' or 'ö' => 'o',
        'ü' => 'u',
        '-' => ' ',
        _ => letter,
    };
}
