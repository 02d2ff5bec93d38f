using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Answering.Activities;

/// <summary>Activity: the final update with the whole answer, and the turn to the next.</summary>
internal sealed class FinishAnswer(
    MessageMemory memory, IAssistant assistant, IUpdatePublisher updates, TurnRelease turn, TimeProvider clock, ILogger<FinishAnswer> logger)
{
    /// <summary>How long Redis is waited for; after that the service is asked for its last response.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Function(nameof(FinishAnswer))]
    public async Task RunAsync([ActivityTrigger] FinishInput input, [DurableClient] DurableTaskClient client, FunctionContext context)
    {
        var cancellationToken = context.CancellationToken;
        var text = await RecallAsync(input, cancellationToken)
            ?? await assistant.FindTextAsync(input.ResponseId, cancellationToken)
            ?? throw new InvalidOperationException("The text of the answer is lost.");
        await turn.AnnounceAsync(input.Address, input.InstanceId, cancellationToken);
        await updates.PublishAsync(input.Address, Updates.Completed(input.Address, input.ThreadId, text), once: null, cancellationToken);
        await turn.GiveOnAsync(input.Address, input.InstanceId, client, cancellationToken);
        Telemetry.AnswersCompleted.Add(1);
        Telemetry.Overall.Record((clock.GetUtcNow() - input.ReceivedAt).TotalSeconds);
        logger.AnswerCompleted(input.Address.MessageId, input.Round + 1);
    }

    private async Task<string?> RecallAsync(FinishInput input, CancellationToken cancellationToken)
    {
        using var limit = new TimeLimit(Patience, clock, cancellationToken);
        try
        {
            return await memory.FindTextAsync(input.Address, input.Round, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }
}
