using Cosmo.Functions.Messaging;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Answering.Activities;

/// <summary>Activity: keeps a message that was not answered. Fails while the broker, or Redis with the body, is away; the orchestration then tries again.</summary>
internal sealed class WriteDeadLetter(DeadLetters deadLetters, MessageMemory memory, ILogger<WriteDeadLetter> logger)
{
    [Function(nameof(WriteDeadLetter))]
    public async Task RunAsync([ActivityTrigger] DeadLetterInput input, FunctionContext context) =>
        await deadLetters.WriteAsync(
            new DeadLetter(
                input.Body ?? await memory.FindBodyAsync(input.Address, context.CancellationToken) ?? MakeBody(input),
                input.Properties,
                input.Failure.Cause,
                input.Failure.Reason ?? input.Failure.Details,
                input.Address.Channel,
                input.Address.MessageId)
            {
                Id = AnswerStarter.InstanceId(input.Address),
            },
            context.CancellationToken);

    /// <summary>Redis has lost the body: what is known of the message is kept all the same.</summary>
    private byte[] MakeBody(DeadLetterInput input)
    {
        logger.BodyLost(input.Address.MessageId);
        return MessagePublisher.BodyOf(new ChatMessage(input.Address.Channel, input.Address.MessageId, input.Question!, input.Caller!));
    }
}
