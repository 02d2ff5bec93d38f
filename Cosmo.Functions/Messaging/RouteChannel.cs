using Cosmo.Functions.Hosting;
using Microsoft.AspNetCore.Mvc;

namespace Cosmo.Functions.Messaging;

/// <summary>Reads a channel out of a route.</summary>
internal static class RouteChannel
{
    /// <summary>The answer to a route whose channel is none.</summary>
    public static IActionResult NotAChannel => HttpAnswers.Problem(
        StatusCodes.Status400BadRequest, "Not a channel", $"A channel has 1 to {ChatMessageReader.MaxIdLength} characters, not only white space.");

    /// <summary>ASP.NET Core decodes a route value but for an encoded slash, which it leaves as <c>%2F</c>.</summary>
    public static string Decode(string routeValue) => routeValue.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);

    /// <summary>False if it is none that a message could have.</summary>
    public static bool TryRead(string routeValue, out string channel)
    {
        channel = Decode(routeValue);
        return !string.IsNullOrWhiteSpace(channel) && channel.Length <= ChatMessageReader.MaxIdLength;
    }
}
