using Cosmo.Functions.Assistants;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using StackExchange.Redis;

namespace Cosmo.Functions.Administration;

/// <summary>Errors that several of the operators' functions answer with.</summary>
internal static class Problems
{
    public static IActionResult BadChannel => ProblemAnswer.Of(
        StatusCodes.Status400BadRequest, "Not a channel", $"A channel has 1 to {ChatMessageReader.MaxIdLength} characters, not only white space.");

    public static IActionResult BadConfirmation => ProblemAnswer.Of(
        StatusCodes.Status400BadRequest, "Not confirmed", "'confirm' must be exactly DELETE; without it nothing is deleted, and the answer says what would be.");

    /// <summary>Answers with a problem where Redis or OpenAI fails the call.</summary>
    public static async Task<IActionResult> GuardAsync(ILogger logger, Func<Task<IActionResult>> call)
    {
        try
        {
            return await call();
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.DoesNotAnswer(e, "Redis");
            return ProblemAnswer.Of(StatusCodes.Status503ServiceUnavailable, "Redis is not available", "Redis did not answer in time. Please try again in a moment.");
        }
        catch (AssistantException e)
        {
            logger.DoesNotAnswer(e, "OpenAI");
            return ProblemAnswer.Of(StatusCodes.Status503ServiceUnavailable, "OpenAI is not available", e.Message);
        }
    }
}
