using System.Diagnostics;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Hosting.Observability;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Receiving;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Administration;

/// <summary>How Cosmo is: whether it is able to work, and whether a new start would help.</summary>
internal sealed class HealthFunctions(RedisConnection redis, Topology topology, ConsumerWatch watch, ILogger<HealthFunctions> logger)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    [Function("GetHealth")]
    public Task<IActionResult> GetAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "health")] HttpRequest request, FunctionContext context) => AnswerAsync(context.CancellationToken);

    /// <summary>200 when Redis and RabbitMQ answer and somebody consumes from the queue, else 503 and what is missing.</summary>
    [Function("GetReadiness")]
    public Task<IActionResult> GetReadinessAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "health/ready")] HttpRequest request, FunctionContext context) => AnswerAsync(context.CancellationToken);

    /// <summary>503 only where a new start of the app helps: the platform pings this. Redis or a broker that is away is no reason.</summary>
    [Function("GetLiveness")]
    public IActionResult GetLiveness([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "health/live")] HttpRequest request)
    {
        var isWell = !watch.HasLostQueue;
        if (!isWell)
        {
            // Of the pings, only those that fail leave a trace.
            Activity.Current.Fail("no_consumer");
        }

        return HttpAnswers.Json(new { status = Word(isWell) }, isWell ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    private async Task<IActionResult> AnswerAsync(CancellationToken cancellationToken)
    {
        var redisAnswers = AskAsync("Redis", token => redis.RunAsync(async database => { await database.PingAsync(); return true; }, token), cancellationToken);
        var consumers = await AskAsync<uint?>("RabbitMQ", async token => await topology.CountConsumersAsync(token), cancellationToken);
        var isHealthy = await redisAnswers && consumers > 0;
        return HttpAnswers.Json(
            new { status = Word(isHealthy), redis = Word(await redisAnswers), rabbitmq = Word(consumers is not null), consumers },
            isHealthy ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    private static string Word(bool isWell) => isWell ? "healthy" : "unhealthy";

    private async Task<T?> AskAsync<T>(string name, Func<CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        try
        {
            return await ask(cancellationToken).WaitAsync(Limit, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.Failed(e, name);
            return default;
        }
    }
}

/// <summary>
/// Knows whether the app still gets messages. The official listener does not notice that the broker has dropped it (issues 227 and 230 of its repository),
/// as when the queue was deleted and made again: the process is well, and takes nothing any more.
/// </summary>
internal sealed class ConsumerWatch(Topology topology, IConfiguration configuration, TimeProvider clock) : BackgroundService
{
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    /// <summary>Longer than a restart of the listeners or of the whole app takes.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly string[] DisabledNames = [$"AzureWebJobs.{nameof(ReceiveMessage)}.Disabled", $"AzureWebJobs_{nameof(ReceiveMessage)}_Disabled"];

    private bool _hasLostQueue;

    /// <summary>For so long as <see cref="Patience"/> the broker has answered that nobody consumes from the queue.</summary>
    public bool HasLostQueue => Volatile.Read(ref _hasLostQueue);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // An app that is told not to listen is well without.
        if (Array.Exists(DisabledNames, name => configuration.GetValue<bool>(name)))
        {
            return;
        }

        long? since = null;
        while (true)
        {
            await Task.Delay(Interval, clock, stoppingToken);
            since = await HasNoConsumerAsync(stoppingToken) ? since ?? clock.GetTimestamp() : null;
            Volatile.Write(ref _hasLostQueue, since is { } began && clock.GetElapsedTime(began) >= Patience);
        }
    }

    private async Task<bool> HasNoConsumerAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await topology.CountConsumersAsync(cancellationToken) == 0;
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            // A broker that is away is no reason to start anew.
            return false;
        }
    }
}
