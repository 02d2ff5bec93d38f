using Cosmo.Functions.Assistants;
using Cosmo.Functions.Hosting;
using Microsoft.AspNetCore.Mvc;
using StackExchange.Redis;

namespace Cosmo.Functions.Administration;

/// <summary>Answers in the place of an operators' function where Redis or OpenAI is away, or Redis refuses.</summary>
internal static class Guard
{
    public static async Task<IActionResult> RunAsync(ILogger logger, Func<Task<IActionResult>> function)
    {
        try
        {
            return await function();
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
