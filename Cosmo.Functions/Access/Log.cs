namespace Cosmo.Functions.Access;

internal static partial class Log
{
    [LoggerMessage(641, LogLevel.Warning, "The identity provider did not say which keys it signs with.")]
    public static partial void AuthorityAway(this ILogger logger, Exception exception);

    [LoggerMessage(642, LogLevel.Warning, "The host application did not say who gets the address of a channel; nobody does.")]
    public static partial void NoDecision(this ILogger logger, Exception exception);

    [LoggerMessage(643, LogLevel.Warning, "Redis did not say whose a channel is.")]
    public static partial void OwnerNotFound(this ILogger logger, Exception exception);

    [LoggerMessage(644, LogLevel.Warning, "Redis did not say, or was not told, whom a token of a back end signs in.")]
    public static partial void TokenNotFound(this ILogger logger, Exception exception);

    [LoggerMessage(645, LogLevel.Warning, "Redis did not say how often a caller came; it is let through.")]
    public static partial void NotCounted(this ILogger logger, Exception exception);
}
