using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.OpenAI.Rules.Answers;

/// <summary>The weather, in the friendly manner of a television weatherman.</summary>
internal static class WeatherAnswer
{
    public static string Tell(JsonObject arguments, JsonObject result)
    {
        var place = result["location"]?["name"]?.ToString() ?? arguments["city"].Show();
        var country = result["location"]?["country"]?.ToString() is { Length: > 0 } code ? $", {code}" : "";
        var description = result["description"]?.ToString() ?? "weather without a name";
        return $"Good day, everyone, and welcome to the weather desk! Right now in {place}{country} we have {description}, "
            + $"with the thermometer at {result["temperature"].Show()} °C. It feels like {result["feels_like"].Show()} °C, "
            + $"with the humidity at {result["humidity"].Show()} % and the wind blowing at {result["wind_speed"].Show()} metres a second. "
            + $"{Advice(description, result["temperature"].Number())} That is the picture for {place}. Back to you!";
    }

    private static string Advice(string description, double? temperature)
    {
        bool Says(params ReadOnlySpan<string> words)
        {
            foreach (var word in words)
            {
                if (description.Contains(word, StringComparison.OrdinalIgnoreCase))
                {
                    return true;
                }
            }

            return false;
        }

        return temperature switch
        {
            _ when Says("thunder", "storm") => "Best to stay indoors until the thunder has passed, folks.",
            _ when Says("rain", "drizzle", "shower") => "Do take your umbrella along, folks.",
            _ when Says("snow", "sleet") => "Wrap up well and mind your step, folks.",
            _ when Says("mist", "fog", "haze", "smoke") => "Take it slow on the roads, folks.",
            >= 30 => "Drink plenty of water and keep to the shade, folks.",
            < 10 => "A warm coat is your best friend today, folks.",
            _ => "A fine time to step outside, folks.",
        };
    }
}
