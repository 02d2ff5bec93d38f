using Cosmo.Functions.Assistants;
using Cosmo.Functions.Hosting;
using Microsoft.AspNetCore.Mvc;
using StackExchange.Redis;

namespace Cosmo.Functions.Administration;

/// <summary>Answers in the place of an operators' function where Redis or OpenAI is away.</summary>
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
            logger.DoesNotAnswer(e, "Redis");
            return HttpAnswers.Problem(
                StatusCodes.Status503ServiceUnavailable, "Redis is not available", "Redis did not answer in time. Please try again in a moment.");
        }
        catch (AssistantException e)
        {
            logger.DoesNotAnswer(e, "OpenAI");
            return HttpAnswers.Problem(StatusCodes.Status503ServiceUnavailable, "OpenAI is not available", e.Message);
        }
    }
}
