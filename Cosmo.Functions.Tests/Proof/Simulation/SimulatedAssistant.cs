using Cosmo.Functions.Assistants;

namespace Cosmo.Functions.Tests.Proof.Simulation;

/// <summary>A model that answers, calls tools, dawdles, falls silent or fails, as the schedule has it. It heeds a cancellation at once.</summary>
internal sealed class SimulatedAssistant(Schedule schedule, SimulatedWorker worker) : IAssistant
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongStep = TimeSpan.FromSeconds(40);

    private SeededRandom Random => schedule.Random;

    public Task<string> CreateThreadAsync(Func<Task>? retrying, CancellationToken cancellationToken) => throw new NotSupportedException("Each channel has its thread.");

    public async Task<AssistantResponse> RespondAsync(AssistantRequest request, IAssistantObserver observer, CancellationToken cancellationToken)
    {
        var channel = request.ThreadId["conv_of:".Length..];
        var messageId = request.Question?["Say ".Length..] ?? request.ToolOutputs[0].CallId.Split(':')[1];
        var mood = Random.Next(20);
        var longest = mood is 0 or 1 ? LongStep : Step;
        schedule.Promises.Ask(worker, channel, messageId);
        await WaitAsync(longest, cancellationToken);
        await observer.ResponseCreatedAsync("resp_" + messageId);
        if (mood == 2)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, worker.Clock, cancellationToken);
        }

        observer.EventReceived();
        if (mood == 3)
        {
            throw new AssistantException(AssistantFailure.RateLimit, "Too many requests.");
        }

        var callsTools = mood is 4 or 5 or 6;
        var text = "";
        for (var pieces = callsTools ? Random.Next(2) : 1 + Random.Next(3); pieces > 0; pieces--)
        {
            await WaitAsync(longest, cancellationToken);
            observer.EventReceived();
            observer.TextReceived($"This is for {messageId}. ");
            text += $"This is for {messageId}. ";
        }

        if (mood == 7)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, worker.Clock, cancellationToken);
        }

        await WaitAsync(longest, cancellationToken);
        return new AssistantResponse(
            "resp_" + messageId, text, callsTools ? [.. Enumerable.Range(0, 1 + Random.Next(2)).Select(number => new ToolCall($"call:{messageId}:{number}:{request.ToolOutputs.Count}", schedule.Plan.HasApprovals ? SimulatedTool.ToolName : "look", "{}"))] : []);
    }

    public Task AnswerOutstandingCallsAsync(string threadId, string output, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<string?> KeepShownAsync(string threadId, IReadOnlyList<string> questions, string text, Func<string, Task<bool>> isAnothers, CancellationToken cancellationToken) =>
        Task.FromResult<string?>(null);

    public Task<ThreadPage?> ReadAsync(string threadId, string? after, CancellationToken cancellationToken) => Task.FromResult<ThreadPage?>(null);

    public Task CancelResponseAsync(string responseId, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task DeleteItemsAsync(string threadId, IReadOnlyList<string> itemIds, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task DeleteThreadAsync(string threadId, CancellationToken cancellationToken) => throw new NotSupportedException();

    private Task WaitAsync(TimeSpan longest, CancellationToken cancellationToken) =>
        Random.Percent(40) ? Task.CompletedTask : Task.Delay(Random.Within(longest), worker.Clock, cancellationToken);
}
