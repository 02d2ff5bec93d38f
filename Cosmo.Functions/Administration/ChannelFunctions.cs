using Cosmo.Functions.Assistants;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Threads;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Administration;

/// <summary>A new channel, named by a UUID, with its thread made.</summary>
internal sealed class ChannelFunctions(IAssistant assistant, ThreadStore threads, ILogger<ChannelFunctions> logger)
{
    [Function("CreateChannel")]
    public Task<IActionResult> CreateAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "post", Route = "channels")] HttpRequest request, FunctionContext context) =>
        Guard.RunAsync(logger, async () =>
        {
            var channel = Guid.NewGuid().ToString();
            var threadId = await assistant.CreateThreadAsync(retrying: null, context.CancellationToken);
            await threads.SaveAsync(channel, threadId, context.CancellationToken);
            logger.ChannelCreated(channel, threadId);
            return HttpAnswers.Json(
                new { Channel = channel, ThreadId = threadId }, StatusCodes.Status201Created, request, HttpAnswers.Link(request, "channels", $"threads/{channel}"));
        });
}
