using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Answering.Activities;

/// <summary>Activity: tells the other activities of its orchestration to stop, wherever they run.</summary>
internal sealed class StopWork(StopSignals stopSignals)
{
    [Function(nameof(StopWork))]
    public Task RunAsync([ActivityTrigger] StopInput input, FunctionContext context) =>
        stopSignals.StopAsync(input.Channel, input.InstanceId, context.CancellationToken);
}
