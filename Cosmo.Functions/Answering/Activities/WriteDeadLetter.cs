using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.Azure.Functions.Worker;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering.Activities;

/// <summary>Activity: keeps a message that was not answered. Fails while the broker, or Redis with the body, is away; the orchestration then tries again.</summary>
internal sealed class WriteDeadLetter(DeadLetters deadLetters, MessageMemory memory, ILogger<WriteDeadLetter> logger)
{
    [Function(nameof(WriteDeadLetter))]
    public async Task RunAsync([ActivityTrigger] DeadLetterInput input, FunctionContext context) =>
        await deadLetters.WriteAsync(
            new DeadLetter(
                input.Body ?? await FindBodyAsync(input, context.CancellationToken) ?? MakeBody(input),
                input.Properties,
                input.Failure.Cause,
                input.Failure.Reason ?? input.Failure.Details,
                input.Address.Channel,
                input.Address.MessageId)
            {
                Id = AnswerStarter.InstanceId(input.Address),
            },
            context.CancellationToken);

    /// <summary>Null too where Redis refuses it, such as for a key of another type: the letter does not wait for what does not come.</summary>
    private async Task<byte[]?> FindBodyAsync(DeadLetterInput input, CancellationToken cancellationToken)
    {
        try
        {
            return await memory.FindBodyAsync(input.Address, cancellationToken);
        }
        catch (RedisException e) when (!RedisFault.MayPass(e))
        {
            logger.RedisFailed(e, input.Address.MessageId);
            return null;
        }
    }

    /// <summary>Redis has lost the body: what is known of the message is kept all the same.</summary>
    private byte[] MakeBody(DeadLetterInput input)
    {
        logger.BodyLost(input.Address.MessageId);
        return MessagePublisher.BodyOf(new ChatMessage(input.Address.Channel, input.Address.MessageId, input.Question!, input.Caller!)
        {
            Profile = input.Address.Profile,
            Replaces = input.Replaces,
        });
    }
}
