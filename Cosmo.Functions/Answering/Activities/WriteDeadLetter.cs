using Cosmo.Functions.Messaging;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Answering.Activities;

/// <summary>Activity: keeps a message that was not answered. Fails while the broker is away; the orchestration then tries again.</summary>
internal sealed class WriteDeadLetter(DeadLetters deadLetters)
{
    [Function(nameof(WriteDeadLetter))]
    public Task RunAsync([ActivityTrigger] DeadLetterInput input, FunctionContext context) =>
        deadLetters.WriteAsync(
            new DeadLetter(input.Body, input.Properties, input.Failure.Cause, input.Failure.Reason ?? input.Failure.Details, input.Address.Channel, input.Address.MessageId)
            {
                Id = AnswerStarter.InstanceId(input.Address),
            },
            context.CancellationToken);
}
