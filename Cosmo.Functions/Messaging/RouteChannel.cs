namespace Cosmo.Functions.Messaging;

/// <summary>Reads a channel out of a route.</summary>
internal static class RouteChannel
{
    /// <summary>ASP.NET Core decodes a route value but for an encoded slash, which it leaves as <c>%2F</c>.</summary>
    public static string Decode(string routeValue) => routeValue.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);

    /// <summary>False if it is none that a message could have.</summary>
    public static bool TryRead(string routeValue, out string channel)
    {
        channel = Decode(routeValue);
        return !string.IsNullOrWhiteSpace(channel) && channel.Length <= ChatMessageReader.MaxIdLength;
    }
}
