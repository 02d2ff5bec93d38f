using System.Diagnostics;
using System.Globalization;
using StackExchange.Redis.Profiling;

namespace Cosmo.Functions.Hosting.Observability;

/// <summary>
/// A span and a duration for each command to Redis, by the client's own profiler: it alone knows what a call became. Neither keys nor values nor scripts are in them.
/// Where nobody listens, nothing is recorded.
/// </summary>
/// <param name="address">Where Redis is.</param>
/// <param name="database">The number of the database.</param>
internal sealed class RedisProfile(Uri address, int database)
{
    private readonly AsyncLocal<ProfilingSession?> _session = new();
    private readonly string _database = database.ToString(CultureInfo.InvariantCulture);

    /// <summary>What the client asks at each command.</summary>
    public ProfilingSession? Find() => _session.Value;

    /// <summary>Sees the commands that are given from here on until the result is disposed of.</summary>
    public Seen? Begin()
    {
        if (!Telemetry.RedisDuration.Enabled && !Telemetry.Source.HasListeners())
        {
            return null;
        }

        var session = _session.Value = new ProfilingSession();
        return new Seen(this, session);
    }

    private void Tell(ProfilingSession session)
    {
        foreach (var command in session.FinishProfiling())
        {
            TagList tags =
            [
                new("db.system.name", "redis"), new("db.operation.name", command.Command), new("db.namespace", _database),
                new("server.address", address.Host), new("server.port", address.Port > 0 ? address.Port : 6379),
            ];
            Telemetry.RedisDuration.Record(command.ElapsedTime.TotalSeconds, tags);
            var begun = new DateTimeOffset(command.CommandCreated);
            Telemetry.Source.StartActivity(ActivityKind.Client, tags: tags, startTime: begun, name: command.Command)
                ?.SetEndTime((begun + command.ElapsedTime).UtcDateTime).Dispose();
        }
    }

    /// <summary>The commands of one call.</summary>
    internal sealed class Seen(RedisProfile profile, ProfilingSession session) : IDisposable
    {
        public void Dispose()
        {
            profile._session.Value = null;
            profile.Tell(session);
        }
    }
}
