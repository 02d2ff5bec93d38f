using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Administration;

/// <summary>Is Cosmo able to work? 200 when Redis and RabbitMQ answer, else 503 and which does not.</summary>
internal sealed class HealthFunctions(RedisConnection redis, Topology topology, ILogger<HealthFunctions> logger)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    [Function("GetHealth")]
    public async Task<IActionResult> GetAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "health")] HttpRequest request, FunctionContext context)
    {
        var redisAnswers = AnswersAsync("Redis", token => redis.RunAsync(async database => { await database.PingAsync(); return true; }, token), context.CancellationToken);
        var rabbitMQAnswers = AnswersAsync("RabbitMQ", topology.CheckAsync, context.CancellationToken);
        var isHealthy = await redisAnswers & await rabbitMQAnswers;
        var report = new { status = isHealthy ? "healthy" : "unhealthy", redis = Word(await redisAnswers), rabbitmq = Word(await rabbitMQAnswers) };
        return HttpAnswers.Json(report, isHealthy ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    private static string Word(bool answers) => answers ? "healthy" : "unhealthy";

    private async Task<bool> AnswersAsync(string name, Func<CancellationToken, Task> ask, CancellationToken cancellationToken)
    {
        try
        {
            await ask(cancellationToken).WaitAsync(Limit, cancellationToken);
            return true;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.DoesNotAnswer(e, name);
            return false;
        }
    }
}
