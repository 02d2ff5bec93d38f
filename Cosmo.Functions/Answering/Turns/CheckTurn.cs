using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering.Turns;

/// <summary>Activity: is it this orchestration's turn? Heads that ended without giving their turn back are removed.</summary>
internal sealed class CheckTurn(
    TurnQueue turns, StopSignals stopSignals, UpdateLog log, IOptions<AnsweringOptions> options, TimeProvider clock, ILogger<CheckTurn> logger)
{
    private const int MostRemovals = 10;

    [Function(nameof(CheckTurn))]
    public async Task<TurnResult> RunAsync([ActivityTrigger] TurnInput input, [DurableClient] DurableTaskClient client, FunctionContext context)
    {
        try
        {
            return await RedisRetry.RunAsync(
                () => CheckAsync(input, client, context.CancellationToken),
                options.Value.RedisPatience,
                clock,
                e => logger.RedisFailed(e, input.Address.MessageId),
                context.CancellationToken);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            return new TurnResult(false, Failure.Redis(e));
        }
    }

    private async Task<TurnResult> CheckAsync(TurnInput input, DurableTaskClient client, CancellationToken cancellationToken)
    {
        // A message that is over waits for nobody, also where it has a place; with its turn it finds out.
        if (await log.IsOverAsync(input.Address, cancellationToken))
        {
            return new TurnResult(true, null);
        }

        // Whoever cancels may be a worker that cannot raise an event here.
        if (await stopSignals.IsCancelledAsync(input.Address.Channel, input.InstanceId, cancellationToken))
        {
            return new TurnResult(false, Failure.Cancelled);
        }

        var head = await turns.HeadAsync(input.Address, input.InstanceId, input.RunId, gone: null, cancellationToken);
        for (var removals = 0; head != input.InstanceId && removals < MostRemovals; removals++)
        {
            // An instance that this store does not know may be another worker's; its lease decides.
            if (!await client.HasEndedAsync(head, cancellationToken))
            {
                return new TurnResult(false, null);
            }

            head = await turns.HeadAsync(input.Address, input.InstanceId, input.RunId, gone: head, cancellationToken);
            if (head != input.InstanceId)
            {
                await client.RaiseEventAsync(head, AnswerMessage.TurnGranted, true, cancellationToken);
            }
        }

        return new TurnResult(head == input.InstanceId, null);
    }
}
