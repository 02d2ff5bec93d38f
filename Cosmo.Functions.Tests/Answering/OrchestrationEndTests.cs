using Cosmo.Functions.Answering;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Converters;
using NSubstitute;

namespace Cosmo.Functions.Tests.Answering;

public sealed class OrchestrationEndTests
{
    [Theory]
    [InlineData(OrchestrationRuntimeStatus.Running, null, false)]
    [InlineData(OrchestrationRuntimeStatus.Completed, "completed", true)]
    [InlineData(OrchestrationRuntimeStatus.Completed, "duplicate", false)]
    [InlineData(OrchestrationRuntimeStatus.Failed, null, true)]
    [InlineData(OrchestrationRuntimeStatus.Terminated, null, true)]
    public async Task One_that_ended_because_another_has_the_message_says_nothing_of_its_end(OrchestrationRuntimeStatus status, string? outcome, bool hasEnded)
    {
        var client = Substitute.For<DurableTaskClient>("test");
        client.GetInstanceAsync("instance-1", getInputsAndOutputs: true, Arg.Any<CancellationToken>()).Returns(new OrchestrationMetadata("AnswerMessage", "instance-1")
        {
            RuntimeStatus = status,
            SerializedOutput = outcome is null ? null : JsonDataConverter.Default.Serialize(new AnswerResult(outcome, null, 1)),
            DataConverter = JsonDataConverter.Default,
        });

        (await client.HasEndedAsync("instance-1", TestContext.Current.CancellationToken)).ShouldBe(hasEnded);
        (await client.HasEndedAsync("unknown", TestContext.Current.CancellationToken)).ShouldBeFalse();
    }
}
