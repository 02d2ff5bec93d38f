using System.Text.Json;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Assistants;
using DurableTask.Core.History;
using Microsoft.DurableTask.Client;
using NSubstitute;

namespace Cosmo.Functions.Tests.Answering;

public sealed class AskedCallsTests
{
    private readonly DurableTaskClient _client = Substitute.For<DurableTaskClient>("test");

    [Fact]
    public async Task The_calls_are_those_of_each_run_of_the_assistant_in_their_order_and_no_others()
    {
        _client.GetOrchestrationHistoryAsync("instance-1", Arg.Any<CancellationToken>()).Returns(
        [
            Scheduled(0, nameof(RunAssistant)),
            Completed(0, new RunResult([new ToolCall("call_1", "get_weather", """{"location":"Makati"}"""), new ToolCall("call_2", "get_role", "{}")], null)),
            Scheduled(1, nameof(ExecuteTool)),
            Completed(1, new RunResult([new ToolCall("call_of_another", "get_weather", "{}")], null)),
            Scheduled(2, nameof(RunAssistant)),
            new TaskFailedEvent(-1, 2, "a worker died", null),
            Scheduled(3, nameof(RunAssistant)),
            new TaskCompletedEvent(-1, 3, null),
            Scheduled(4, nameof(RunAssistant)),
            Completed(4, new RunResult([new ToolCall("call_3", "get_weather", "{}")], null)),
        ]);

        var calls = await _client.FindCallsAsync("instance-1", TestContext.Current.CancellationToken);

        calls.Select(call => (call.CallId, call.Name)).ShouldBe([("call_1", "get_weather"), ("call_2", "get_role"), ("call_3", "get_weather")]);
        calls[0].Arguments.ShouldBe("""{"location":"Makati"}""");
    }

    [Fact]
    public async Task A_result_that_is_none_asks_for_nothing()
    {
        _client.GetOrchestrationHistoryAsync("instance-1", Arg.Any<CancellationToken>()).Returns([Scheduled(0, nameof(RunAssistant)), new TaskCompletedEvent(-1, 0, "null")]);

        (await _client.FindCallsAsync("instance-1", TestContext.Current.CancellationToken)).ShouldBeEmpty();
    }

    private static TaskScheduledEvent Scheduled(int id, string activity) => new(id) { Name = activity };

    private static TaskCompletedEvent Completed(int id, RunResult result) => new(-1, id, JsonSerializer.Serialize(result, JsonSerializerOptions.Web));
}
