using Cosmo.Functions.Assistants;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Conversations;

/// <summary>Activity: the final update with the whole answer, and the turn to the next.</summary>
internal sealed class FinishConversation(
    MessageMemory memory, IAssistant assistant, IUpdatePublisher updates, TurnRelease turn, TimeProvider clock, ILogger<FinishConversation> logger)
{
    [Function(nameof(FinishConversation))]
    public async Task RunAsync([ActivityTrigger] FinishInput input, [DurableClient] DurableTaskClient client, FunctionContext context)
    {
        var cancellationToken = context.CancellationToken;
        var text = await memory.FindTextAsync(input.Address, input.Round, cancellationToken)
            ?? await assistant.FindTextAsync(input.ResponseId, cancellationToken)
            ?? throw new InvalidOperationException("The text of the answer is lost.");
        await updates.PublishAsync(input.Address, Updates.Completed(input.Address, input.ThreadId, text), once: null, cancellationToken);
        await turn.GiveOnAsync(input.Address, input.InstanceId, client, cancellationToken);
        Telemetry.ConversationsCompleted.Add(1);
        Telemetry.Overall.Record((clock.GetUtcNow() - input.ReceivedAt).TotalSeconds);
        logger.ConversationCompleted(input.Address.MessageId, input.Round + 1);
    }
}
