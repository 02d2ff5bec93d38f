using System.Net;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.EndToEnd;

namespace Cosmo.Functions.Tests.Proof;

/// <summary>What <c>./cosmo check</c> does, on the stack that others run on.</summary>
public sealed class RunningSystemTests(ToolsFixture shared) : SharedStackTest(shared)
{
    private const double Seconds = 3;

    [Fact]
    public async Task A_system_that_runs_is_asked_and_held_against_the_promises_and_keeps_nothing_of_it()
    {
        var folder = Directory.CreateTempSubdirectory("cosmo-check-");
        try
        {
            var at = new RunningSystemAddress(Stack.Http.BaseAddress!, Stack.Keys.MasterKey, CosmoQueue.Url, Stack.Queue.Exchange, CosmoQueue.RoutingKey);
            var options = new TortureOptions(Random.Shared.Next(), Seconds / 60, [], Channels: 3, Fleet.One, Flood: 0, folder.FullName, at);

            var round = (await new Torture(options, _ => { }).RunAsync(TestContext.Current.CancellationToken)).ShouldHaveSingleItem();

            round.Violations.ShouldBeEmpty();
            round.Messages.ShouldBeGreaterThan(2);
            round.Looked[HistoryChecker.OneEnd].ShouldBe(round.Messages);
            round.Looked[HistoryChecker.CountedOnce].ShouldBe(3);
            using var thread = await Stack.Http.GetAsync($"threads/{RouteName.Write($"cosmo-check-{options.Seed}-0-0")}", TestContext.Current.CancellationToken);
            thread.StatusCode.ShouldBe(HttpStatusCode.NotFound, await thread.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
