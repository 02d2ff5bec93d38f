using Cosmo.Functions.Answering;
using Cosmo.Functions.Messaging;
using Cosmo.Local.Terminal.Planning;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>What <c>./cosmo plan</c> says that an answer takes of the Durable Task Scheduler, against the history of one.</summary>
public sealed class DurableActionsTests(ToolsFixture shared) : SharedStackTest(shared)
{
    [Theory]
    [InlineData("Hello", 0)]
    [InlineData("Weather in Makati?", 1)]
    public async Task An_answer_takes_as_many_Durable_actions_as_the_plan_counts(string question, int toolRounds)
    {
        var address = new MessageAddress($"channel-{Guid.NewGuid():n}", "msg-1", 1);
        await using var client = await Stack.OpenAsync(address.Channel);

        await Stack.Queue.SendAsync(address.Channel, address.MessageId, question);
        await client.FinalAsync(address.MessageId);

        var instanceId = AnswerStarter.InstanceId(address);
        while (!(await Stack.HistoryAsync(instanceId, TestContext.Current.CancellationToken)).Contains("\"Completed\"", StringComparison.Ordinal))
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        Stack.ActionsOf(instanceId).ShouldBe((int)AppFigures.DurableActions(toolRounds, seconds: 0));
    }
}
