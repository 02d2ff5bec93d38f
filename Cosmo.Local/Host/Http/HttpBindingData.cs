using System.Globalization;
using System.Text.Json;

namespace Cosmo.Local.Host.Http;

/// <summary>What of a request is binding data: route values and query parameters by name, and all of query and headers as JSON.</summary>
internal static class HttpBindingData
{
    public static Dictionary<string, string> Of(HttpRequest request)
    {
        var query = request.Query.ToDictionary(pair => pair.Key, pair => pair.Value.ToString());
        var data = new Dictionary<string, string>(query, StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in request.RouteValues)
        {
            if (Convert.ToString(value, CultureInfo.InvariantCulture) is { } text)
            {
                data[name] = text;
            }
        }

        data["Query"] = JsonSerializer.Serialize(query);
        data["Headers"] = JsonSerializer.Serialize(request.Headers.ToDictionary(pair => pair.Key, pair => pair.Value.ToString()));
        return data;
    }
}
