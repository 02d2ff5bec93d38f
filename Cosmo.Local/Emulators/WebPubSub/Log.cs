namespace Cosmo.Local.Emulators.WebPubSub;

internal static partial class Log
{
    [LoggerMessage(920, LogLevel.Warning, "The event handler of hub {Hub} did not take a {Kind} event.")]
    public static partial void WebhookFailed(this ILogger logger, Exception exception, string hub, string kind);

    [LoggerMessage(921, LogLevel.Warning, "The event handler of hub {Hub} did not allow this service's events; its OPTIONS answer was {Status}.")]
    public static partial void WebhookNotValidated(this ILogger logger, string hub, int status);

    [LoggerMessage(922, LogLevel.Warning, "The event handler of hub {Hub} answered {Status} to a user event; the connection is closed.")]
    public static partial void UserEventRefused(this ILogger logger, string hub, int status);

    [LoggerMessage(923, LogLevel.Error, "A request to the Web PubSub emulator failed.")]
    public static partial void RequestFailed(this ILogger logger, Exception exception);
}
