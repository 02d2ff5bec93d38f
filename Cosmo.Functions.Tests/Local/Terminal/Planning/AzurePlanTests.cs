using Cosmo.Local.Terminal.Planning;

namespace Cosmo.Functions.Tests.Local.Terminal.Planning;

/// <summary>The calculator, against values computed by hand.</summary>
public sealed class AzurePlanTests
{
    private static readonly PlanAssumptions Usual = new();

    /// <summary>100,000 conversations of 4 answers are 400,000 a day, 4.63 a second; the peak has four times as many.</summary>
    [Fact]
    public void The_load_is_the_days_average_times_the_peak()
    {
        var plan = new AzurePlan(100_000, Usual);

        plan.Answers.ShouldBe(400_000);
        plan.PeakAnswers.ShouldBe(18.52, 0.01);
        plan.AnswersAtOnce.ShouldBe(185.2, 0.1);
        plan.ConnectionsAtOnce.ShouldBe(2_777.8, 0.1);
    }

    /// <summary>Start 1, one activity 2, its timer 1; a sign of life after 4.5 s and every 15 s, and 4 for each round of tools.</summary>
    [Theory]
    [InlineData(0, 3, 4)]
    [InlineData(0, 10, 5)]
    [InlineData(0, 60, 8)]
    [InlineData(1, 10, 9)]
    [InlineData(0.5, 10, 7)]
    public void Durable_actions_of_an_answer(double toolRounds, double seconds, double actions) => AppFigures.DurableActions(toolRounds, seconds).ShouldBe(actions);

    /// <summary>185 answers a second have 1,296 actions, of the 1,400 that a unit may have at 70 %; 4 million of 5,050 bytes for 7 days are 141 GB, of 50 a unit.</summary>
    [Fact]
    public void Capacity_units_carry_the_actions_and_keep_the_histories()
    {
        var plan = new AzurePlan(1_000_000, Usual);

        plan.PeakActions.ShouldBe(1_296.3, 0.1);
        plan.HistoryGigabytes.ShouldBe(141.4, 0.1);
        plan.FitsConsumption.ShouldBeFalse();
        plan.CapacityUnits.ShouldBe(3);
        (plan with { Assumptions = Usual with { HistoryDays = 1 } }).CapacityUnits.ShouldBe(1);
        new AzurePlan(100_000, Usual).FitsConsumption.ShouldBeTrue();
    }

    /// <summary>Two activities, and five messages to the orchestration: start, two results, a sign of life, the timer. 7 × 3 + 5 × 3 = 36 requests.</summary>
    [Fact]
    public void Queues_of_Azure_Storage_carry_activities_and_messages_to_orchestrations()
    {
        var plan = new AzurePlan(1_000_000, Usual);

        plan.PeakActivities.ShouldBe(370.4, 0.1);
        plan.PeakControlMessages.ShouldBe(925.9, 0.1);
        plan.Partitions.ShouldBe(1);
        plan.PeakStorageRequests.ShouldBe(6_666.7, 0.1);
        plan.FitsStorage.ShouldBeTrue();
        new AzurePlan(10_000_000, Usual).FitsStorage.ShouldBeFalse();
    }

    /// <summary>
    /// Three tokens of 4 characters are the first that come to 10: 4, 16, 28, 40 are four updates with 88 together, and 4 to 100 are nine with 468. A send of 0.2 s is
    /// followed by 0.4 s of rest: 4 and 64. A slow model is waited for a second: 4, 10, 16, 22, 28, 34, 40. Of a long text a fiftieth has to be new:
    /// behind 604 that is more than 12, so that 616 goes with the next.
    /// </summary>
    [Theory]
    [InlineData(40, 40, 0.02, 4, 88)]
    [InlineData(100, 100, 0.02, 9, 468)]
    [InlineData(100, 100, 0.2, 2, 68)]
    [InlineData(40, 6, 0.02, 7, 154)]
    [InlineData(616, 100, 0.02, 51, 15_504)]
    public void Each_update_carries_all_the_text_so_far(double length, double charactersASecond, double sendSeconds, int updates, double characters) =>
        AppFigures.Text(length, charactersASecond, 4, sendSeconds).ShouldBe((updates, characters));

    /// <summary>A fast model's text goes ten times a second, and each step is a fiftieth of the text: 60,000 characters in a minute are sent some fifty times.</summary>
    [Fact]
    public void Of_a_long_text_a_fiftieth_is_new() =>
        (AppFigures.Text(60_000, 1_000, 4, 0.02).Characters / 60_000).ShouldBe(50, 5);

    /// <summary>
    /// 40 characters in a second: four updates, and three around them, 7 × 310 + 88 + 40 = 2,298 bytes. 864,000 conversations of one answer are 10 a second: 70 messages.
    /// </summary>
    [Fact]
    public void Web_PubSub_gets_an_update_a_message_and_with_deltas_two()
    {
        var plan = new AzurePlan(864_000, Usual with { Answers = 1, Characters = 40, Seconds = 1, ToolRounds = 0, Peak = 1, Minutes = 1, Load = 100 });

        plan.SendsAnAnswer.ShouldBe(7);
        plan.SentBytesAnAnswer.ShouldBe(2_298);
        plan.PeakSends.ShouldBe(70);
        plan.ReceivedBytesAnAnswer.ShouldBe((7 * 420) + 128);
        plan.UnitsForConnections.ShouldBe(1);
        plan.Units.ShouldBe(1);

        // 2.65 GB are 1,294,312 messages of 2 KB, and a million comes with the unit.
        plan.AdditionalMessages!.Value.ShouldBe(294_312, 1);

        var deltas = plan with { Assumptions = plan.Assumptions with { Deltas = true } };
        deltas.SendsAnAnswer.ShouldBe(14);
        deltas.SentBytesAnAnswer.ShouldBe(2_298 + (7 * 310) + 80);
        deltas.ReceivedBytesAnAnswer.ShouldBe((7 * 420) + 80);
    }

    [Theory]
    [InlineData(100_000, 6)]
    [InlineData(500_000, 30)]
    [InlineData(1_000_000, null)]
    public void Units_are_those_that_can_be_had(double conversations, int? units) => new AzurePlan(conversations, Usual).Units.ShouldBe(units);

    /// <summary>185 answers a second: 9.3 seconds of the trigger, 1,852 at once of 2,000, 9.3 cores, each over 70 % of what an instance has.</summary>
    [Fact]
    public void Instances_are_what_the_scarcest_needs()
    {
        var plan = new AzurePlan(1_000_000, Usual);

        plan.InstancesForTrigger.ShouldBe(14);
        plan.InstancesForActivities.ShouldBe(2);
        plan.InstancesForProcessor.ShouldBe(7);
        plan.Instances.ShouldBe(14);
    }

    /// <summary>76 updates: 12 + 8 / 2 + 76 scripts, 6 + 8 / 2 + 76 commands.</summary>
    [Fact]
    public void Redis_has_scripts_and_commands()
    {
        var plan = new AzurePlan(1_000_000, Usual);

        plan.RedisCallsAnAnswer.ShouldBe(92 + 86);
        plan.PeakGets.ShouldBe(185.185 * (920 + 86), 1);
        plan.RedisSize.ShouldBe("B10");
        new AzurePlan(100_000_000, Usual).RedisSize.ShouldBeNull();
    }

    /// <summary>18.5 answers a second ask the model 1.5 times, 1,667 a minute; each reads 3,000 tokens and gives 250: 3.6 million a minute.</summary>
    [Fact]
    public void The_model_reads_and_writes_tokens()
    {
        var plan = new AzurePlan(100_000, Usual);

        plan.PeakModelCalls.ShouldBe(1_666.7, 0.1);
        plan.PeakTokens.ShouldBe(3_611_111, 1);
        plan.InputTokens.ShouldBe(1_200_000_000);
        plan.OutputTokens.ShouldBe(100_000_000);
        plan.DefaultQuotas.ShouldBe(2);
        plan.EnterpriseQuotas.ShouldBe(1);
    }
}
