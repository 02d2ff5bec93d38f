using Cosmo.Functions.Access;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Threads;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Administration;

/// <summary>Channels: make one, and say whose one is.</summary>
internal sealed class ChannelFunctions(
    IAssistant assistant, ThreadStore threads, ThreadReader reader, ChannelOwners owners, GroupKeeper groups, ILogger<ChannelFunctions> logger)
{
    private const int MostBytes = 65_536;

    /// <summary>A new channel, named by a UUID, with its thread made.</summary>
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

    /// <summary>
    /// Makes a user the owner of a channel, whoever was: <c>{"user": {"id": "…"}}</c>, with <c>issuer</c> where it is not that by which users sign in here. It counts where
    /// channels have owners, and may be said before that is switched on.
    /// </summary>
    [Function("SetOwner")]
    public Task<IActionResult> SetOwnerAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "put", Route = "operator/channels/{channel}/owner")] HttpRequest request, string channel, FunctionContext context) =>
        Guard.RunAsync(logger, async () =>
        {
            if (!RouteName.TryRead(channel, out var name))
            {
                return RouteName.NotAChannel;
            }

            if (await request.ReadAsync(MostBytes, context.CancellationToken) is not { } body)
            {
                return HttpAnswers.TooLong(MostBytes);
            }

            if (!ForeignJson.TryRead(body, out var root, out _) || root["user"] is not { } sent || ChatMessageReader.ReadUser(sent) is not { IsSignedIn: true } user)
            {
                return HttpAnswers.Problem(
                    StatusCodes.Status400BadRequest,
                    "Not a user",
                    $"The body must be {{\"user\": {{\"id\": …, \"issuer\": …}}}}: an id of 1 to {ChatMessageReader.MaxIdLength} characters, and the issuer, if any, as a string.");
            }

            var owner = await owners.SetAsync(name, user, await reader.TimeToLiveAsync(name, context.CancellationToken), context.CancellationToken);
            await groups.SettleAsync(owner, context.CancellationToken);
            return HttpAnswers.Json(new { Channel = name, Owner = owner.Name });
        });
}
