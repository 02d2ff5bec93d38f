using System.Buffers.Text;
using System.Text;
using Cosmo.Functions.Hosting;
using Microsoft.AspNetCore.Mvc;

namespace Cosmo.Functions.Messaging;

/// <summary>
/// A channel or message id in a route. It is percent-encoded once, which servers on the way undo, but for an encoded slash or backslash. Names that could not
/// be told apart that way are written <c>~</c> and the base64url of their UTF-8 bytes; any name may be.
/// </summary>
internal static class RouteName
{
    private const char Encoded = '~';

    /// <summary>The routes below <c>threads</c> have a word of their own there, in whatever case.</summary>
    private const string Reserved = "stats";

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The answer to a route whose channel is none.</summary>
    public static IActionResult NotAChannel => NotAName("Not a channel", "A channel");

    /// <summary>The answer to a route whose message id is none.</summary>
    public static IActionResult NotAMessage => NotAName("Not a message", "A message id");

    /// <summary>Reads a route's value as the functions get it. False if no message could have this name, or if it had to be written in another way.</summary>
    public static bool TryRead(string routeValue, out string name)
    {
        name = routeValue is [Encoded, .. var code] ? Decode(code) : Unescape(routeValue);
        return !string.IsNullOrWhiteSpace(name) && name.Length <= ChatMessageReader.MaxIdLength;
    }

    /// <summary>A name as it stands in a route: plain where nobody on the way could change it.</summary>
    public static string Write(string name) =>
        name is [not Encoded, ..] and not ("." or "..") && !name.Equals(Reserved, StringComparison.OrdinalIgnoreCase) && Uri.EscapeDataString(name) == name
            ? name
            : Encoded + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(name));

    /// <summary>Empty if a name of this form cannot be told apart from others.</summary>
    private static string Unescape(string routeValue)
    {
        var name = routeValue.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase).Replace("%5C", "\\", StringComparison.OrdinalIgnoreCase);
        return name.Contains('%') || name is "." or ".." || name.Any(char.IsControl) ? "" : name;
    }

    /// <summary>Empty if it is no name's code: each name has one.</summary>
    private static string Decode(string code)
    {
        try
        {
            var bytes = Base64Url.DecodeFromChars(code);
            return Base64Url.EncodeToString(bytes) == code ? Strict.GetString(bytes) : "";
        }
        catch (Exception e) when (e is FormatException or DecoderFallbackException)
        {
            return "";
        }
    }

    private static IActionResult NotAName(string title, string what) => HttpAnswers.Problem(
        StatusCodes.Status400BadRequest,
        title,
        $"{what} has 1 to {ChatMessageReader.MaxIdLength} characters, not only white space, percent-encoded once. With a percent sign, a control character or '~' in front, or as '.' or '..', it is written '~' and the base64url of its UTF-8 bytes.");
}
