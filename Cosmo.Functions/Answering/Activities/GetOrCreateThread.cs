using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Threads;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering.Activities;

/// <summary>
/// Activity: claims the message for this orchestration, tells the client that processing began unless the trigger has, and finds the channel's thread or makes it.
/// </summary>
internal sealed class GetOrCreateThread(
    TurnQueue turns,
    ThreadStore threads,
    IAssistant assistant,
    IUpdatePublisher updates,
    IOptions<AnsweringOptions> options,
    TimeProvider clock,
    ILogger<GetOrCreateThread> logger)
{
    [Function(nameof(GetOrCreateThread))]
    public async Task<ThreadResult> RunAsync([ActivityTrigger] ThreadInput input, FunctionContext context)
    {
        var made = new MadeThread();
        try
        {
            return await RedisRetry.RunAsync(
                () => FindAsync(input, made, context.CancellationToken),
                options.Value.RedisPatience,
                clock,
                e => logger.RedisFailed(e, input.Address.MessageId),
                context.CancellationToken);
        }
        catch (AssistantException e)
        {
            logger.AssistantFailed(e, input.Address.MessageId, e.Failure);
            return new ThreadResult(null, Duplicate: false, Failure.From(e));
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            return new ThreadResult(null, Duplicate: false, Failure.Redis(e));
        }
    }

    private async Task<ThreadResult> FindAsync(ThreadInput input, MadeThread made, CancellationToken cancellationToken)
    {
        var address = input.Address;
        if (!await turns.ClaimAsync(address, input.RunId, cancellationToken))
        {
            return new ThreadResult(null, Duplicate: true, null);
        }

        if (!input.HasStarted)
        {
            await updates.PublishAsync(address, Updates.Started(address, input.Question), "started", cancellationToken);
        }

        var threadId = made.Id ?? await threads.FindAsync(address.Channel, cancellationToken);
        if (threadId is null || threadId == input.ReplacedThreadId)
        {
            threadId = made.Id = await assistant.CreateThreadAsync(
                () => updates.TellRetryingAsync(address, threadId: null, round: 0, logger, cancellationToken), cancellationToken);
            logger.ThreadCreated(address.MessageId, threadId);
        }

        if (made.Id is not null)
        {
            await threads.SaveAsync(address.Channel, threadId, cancellationToken);
        }

        await threads.CountMessageAsync(address.Channel, address.MessageId, cancellationToken);
        return new ThreadResult(threadId, Duplicate: false, null);
    }

    /// <summary>A thread that was made stays the one, however often Redis must be asked to keep it.</summary>
    private sealed class MadeThread
    {
        public string? Id { get; set; }
    }
}
