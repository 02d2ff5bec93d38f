using Cosmo.Functions.Assistants;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Grpc.Core;
using Microsoft.AspNetCore.Mvc;
using RabbitMQ.Client.Exceptions;
using StackExchange.Redis;

namespace Cosmo.Functions.Administration;

/// <summary>Answers in the place of an operators' function where Redis, RabbitMQ, OpenAI or the Durable store is away, or Redis refuses.</summary>
internal static class Guard
{
    public static async Task<IActionResult> RunAsync(ILogger logger, Func<Task<IActionResult>> function)
    {
        try
        {
            return await function();
        }
        catch (DeadLettersBusyException e)
        {
            return HttpAnswers.Problem(StatusCodes.Status409Conflict, "Busy", e.Message + " Please try again in a moment.");
        }
        catch (Exception e) when (e is RabbitMQClientException or IOException)
        {
            logger.Failed(e, "RabbitMQ");
            return HttpAnswers.Problem(StatusCodes.Status503ServiceUnavailable, "RabbitMQ is not available", "Dead letters could not be reached. Please try again in a moment.");
        }
        catch (RpcException e)
        {
            logger.Failed(e, "The Durable store");
            return HttpAnswers.StoreProblem("It is not sure that anything was done.");
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.Failed(e, "Redis");
            return HttpAnswers.RedisProblem(e, RedisFault.MayPass(e) ? "Redis did not answer in time." : "Nothing was done.");
        }
        catch (AssistantException e)
        {
            logger.DoesNotAnswer(e, "OpenAI");
            return HttpAnswers.Problem(StatusCodes.Status503ServiceUnavailable, "OpenAI is not available", e.Message);
        }
    }
}
