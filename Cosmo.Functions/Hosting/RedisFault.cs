using System.Text.RegularExpressions;
using StackExchange.Redis;

namespace Cosmo.Functions.Hosting;

/// <summary>Tells what passes by itself, so that trying again helps, from what Redis refuses for good: a key of another type, a right or a password that is missing, a faulty script.</summary>
internal static partial class RedisFault
{
    /// <summary>
    /// Whether Redis is away or says that it cannot do it now. Of its own errors that are those of a start (<c>LOADING</c>), a script that takes long (<c>BUSY</c>), a
    /// failover or resharding (<c>READONLY</c>, <c>MASTERDOWN</c>, <c>NOREPLICAS</c>, <c>CLUSTERDOWN</c>, <c>TRYAGAIN</c>, <c>MOVED</c>, <c>ASK</c>), a full memory or disk, which
    /// empties as keys expire or somebody makes room (<c>OOM</c>, <c>MISCONF</c>), and too many clients.
    /// </summary>
    public static bool MayPass(Exception exception) => exception switch
    {
        RedisServerException refused => Passing().IsMatch(refused.Message),
        RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure } => false,
        RedisException or TimeoutException => true,
        _ => false,
    };

    /// <summary>Whether a key holds something of another type than the command is for.</summary>
    public static bool IsWrongType(RedisServerException exception) => WrongType().IsMatch(exception.Message);

    // A script's error has its code in front, or, before Redis 7, behind where it happened.
    [GeneratedRegex(@"^(ERR Error running script.*?: -?)?(LOADING|BUSY|READONLY|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|OOM|MISCONF|MAXCLIENTS) |^ERR max number of clients")]
    private static partial Regex Passing();

    [GeneratedRegex("^(ERR Error running script.*?: -?)?WRONGTYPE ")]
    private static partial Regex WrongType();
}
