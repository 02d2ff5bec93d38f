namespace Cosmo.Functions.Tests;

/// <summary>
/// The Redis and the RabbitMQ that the tests share: those of <c>REDIS_URL</c> and <c>RABBITMQ_URL</c>, else ones of this run's own, which start when the
/// first test asks for them.
/// </summary>
internal static class SharedServers
{
    private static readonly Lazy<string> Redis = new(() => Environment.GetEnvironmentVariable("REDIS_URL") ?? Start(new RedisServer()).Url);
    private static readonly Lazy<string> RabbitMQ = new(() => Environment.GetEnvironmentVariable("RABBITMQ_URL") ?? Start(new RabbitMQServer()).Url);

    public static string RedisUrl => Redis.Value;

    public static string RabbitMQUrl => RabbitMQ.Value;

    /// <summary>Outside the runner's own threads, of which there are few, and all may be waiting here.</summary>
    private static T Start<T>(T server)
        where T : ChildServer
    {
        Task.Run(server.StartAsync).GetAwaiter().GetResult();
        return server;
    }
}
