using System.Text.Json;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Assistants;
using DurableTask.Core.History;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Answering;

/// <summary>The calls of tools that the model asked for, as the history of an answer's orchestration has them.</summary>
internal static class AskedCalls
{
    /// <summary>The calls in their order, with the arguments as the model wrote them.</summary>
    public static async Task<IReadOnlyList<ToolCall>> FindCallsAsync(this DurableTaskClient client, string instanceId, CancellationToken cancellationToken)
    {
        var history = await client.GetOrchestrationHistoryAsync(instanceId, cancellationToken);
        var runs = history.OfType<TaskScheduledEvent>().Where(scheduled => scheduled.Name == nameof(RunAssistant)).Select(scheduled => scheduled.EventId).ToHashSet();
        return
        [
            .. history.OfType<TaskCompletedEvent>()
                .Where(completed => runs.Contains(completed.TaskScheduledId) && completed.Result is not null)
                .SelectMany(completed => JsonSerializer.Deserialize<RunResult>(completed.Result, JsonSerializerOptions.Web)?.ToolCalls ?? []),
        ];
    }
}
