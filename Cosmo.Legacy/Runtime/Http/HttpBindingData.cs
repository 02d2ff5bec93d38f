using System.Text.Json;

namespace Cosmo.Local.Runtime.Http;

/// <summary>What of a request is binding data: route values and query parameters by name, and all of query and headers as JSON.</summary>
internal static class HttpBindingData
{
    public static Dictionary<string, object?> Of(HttpRequest request)
    {
        var query = request.Query.ToDictionary(pair => pair.Key, pair => pair.Value.ToString());
        var data = new Dictionary<string, object?>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in query)
        {
            data[name] = value;
        }

        foreach (var (name, value) in request.RouteValues)
        {
            data[name] = value;
        }

        data["Query"] = JsonSerializer.Serialize(query);
        data["Headers"] = JsonSerializer.Serialize(request.Headers.ToDictionary(pair => pair.Key, pair => pair.Value.ToString()));
        return data;
    }
}
