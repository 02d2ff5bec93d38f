namespace Cosmo.Local.Terminal.Planning;

/// <summary>What so many conversations a day need on Azure: the app's figures times the load, against what is published.</summary>
/// <param name="Conversations">Conversations a day.</param>
/// <param name="Assumptions">What is supposed of them.</param>
internal sealed record AzurePlan(double Conversations, PlanAssumptions Assumptions)
{
    private const double SecondsADay = 86_400;
    private const double MinutesADay = 1_440;
    private const double Gigabyte = 1_000_000_000;

    public double Answers => Conversations * Assumptions.Answers;

    /// <summary>Answers a second at the peak.</summary>
    public double PeakAnswers => Answers / SecondsADay * Assumptions.Peak;

    /// <summary>Answers under way at the peak.</summary>
    public double AnswersAtOnce => PeakAnswers * Assumptions.Seconds;

    public double ConnectionsAtOnce => Conversations * Assumptions.Minutes / MinutesADay * Assumptions.Peak * Assumptions.Listeners;

    public double ActionsAnAnswer => AppFigures.DurableActions(Assumptions.ToolRounds, Assumptions.Seconds);

    public double Actions => Answers * ActionsAnAnswer;

    public double PeakActions => PeakAnswers * ActionsAnAnswer;

    /// <summary>What the Durable store keeps, in gigabytes.</summary>
    public double HistoryGigabytes =>
        Answers * Assumptions.HistoryDays * (AppFigures.HistoryBytes + (AppFigures.HistoryBytesAToolRound * Assumptions.ToolRounds)) / Gigabyte;

    public bool FitsConsumption => PeakActions <= PublishedLimits.ConsumptionActions * Share;

    /// <summary>Capacity units of a Durable Task Scheduler that carry the actions and keep the histories; may be more than there are.</summary>
    public int CapacityUnits => Math.Max(Needed(PeakActions, PublishedLimits.UnitActions * Share), Needed(HistoryGigabytes, PublishedLimits.UnitGigabytes));

    /// <summary>Messages a second in the one queue of activities, of Azure Storage.</summary>
    public double PeakActivities => PeakAnswers * AppFigures.Activities(Assumptions.ToolRounds);

    /// <summary>Messages a second in the queues of orchestrations, all together: starts, results, events and timers.</summary>
    public double PeakControlMessages => PeakAnswers * ControlMessagesAnAnswer;

    /// <summary>Queues that carry those; may be more than there are.</summary>
    public int Partitions => Needed(PeakControlMessages, PublishedLimits.QueueMessages * Share);

    public double StorageRequests => Answers * StorageRequestsAnAnswer;

    public double PeakStorageRequests => PeakAnswers * StorageRequestsAnAnswer;

    /// <summary>Whether one account of Azure Storage carries the Durable store.</summary>
    public bool FitsStorage =>
        PeakActivities <= PublishedLimits.QueueMessages * Share && Partitions <= PublishedLimits.MostPartitions && PeakStorageRequests <= PublishedLimits.AccountRequests * Share;

    /// <summary>Messages to Web PubSub for an answer.</summary>
    public double SendsAnAnswer => (TextUpdates + StatusUpdates) * (Assumptions.Deltas ? 2 : 1);

    public double Sends => Answers * SendsAnAnswer;

    public double PeakSends => PeakAnswers * SendsAnAnswer;

    /// <summary>Bytes of those messages.</summary>
    public double SentBytesAnAnswer => WholeBytes(AppFigures.EnvelopeBytes) + (Assumptions.Deltas ? DeltaBytes(AppFigures.EnvelopeBytes) : 0);

    public double PeakSentBytes => PeakAnswers * SentBytesAnAnswer;

    /// <summary>Bytes that go out to clients for an answer. Clients that ask for what is new alone get that alone.</summary>
    public double ReceivedBytesAnAnswer
    {
        get
        {
            const int around = AppFigures.EnvelopeBytes + AppFigures.FrameBytes;
            return Assumptions.Listeners * (Assumptions.Deltas ? DeltaBytes(around) : WholeBytes(around));
        }
    }

    public double ReceivedGigabytes => Answers * ReceivedBytesAnAnswer / Gigabyte;

    public int UnitsForSends => Needed(PeakSends, PublishedLimits.UnitMessages * Share);

    public int UnitsForBytes => Needed(PeakSentBytes, PublishedLimits.UnitBytes * Share);

    public int UnitsForConnections => Needed(ConnectionsAtOnce, PublishedLimits.UnitConnections);

    /// <summary>Units of Web PubSub, of those that can be had; null where no service has as many.</summary>
    public int? Units
    {
        get
        {
            var needed = Math.Max(Math.Max(UnitsForSends, UnitsForBytes), UnitsForConnections);
            return PeakSends > PublishedLimits.ServiceMessages * Share ? null : PublishedLimits.UnitSteps.Where(step => step >= needed).Select(step => (int?)step).FirstOrDefault();
        }
    }

    /// <summary>Messages a day as they are billed, of 2 KB.</summary>
    public double BilledMessages => Answers * ReceivedBytesAnAnswer / PublishedLimits.BilledMessageBytes;

    /// <summary>Those that do not come with the units; null where there are no such units.</summary>
    public double? AdditionalMessages => Units is { } units ? Math.Max(0, BilledMessages - ((double)units * PublishedLimits.UnitMessagesADay)) : null;

    public int InstancesForTrigger => Needed(PeakAnswers * Assumptions.TriggerMilliseconds / 1_000, Share);

    public int InstancesForActivities => Needed(AnswersAtOnce, AppFigures.ActivitiesAnInstance * Share);

    public int InstancesForProcessor => Needed(PeakAnswers * Assumptions.ProcessorMilliseconds / 1_000, Assumptions.Cores * Share);

    /// <summary>Instances of the app; may be more than a plan has.</summary>
    public int Instances => Math.Max(Math.Max(InstancesForTrigger, InstancesForActivities), InstancesForProcessor);

    /// <summary>Scripts and other commands that Redis gets for an answer.</summary>
    public double RedisCallsAnAnswer => RedisScripts + RedisCommands;

    public double RedisCalls => Answers * RedisCallsAnAnswer;

    public double PeakRedisCalls => PeakAnswers * RedisCallsAnAnswer;

    /// <summary>What those cost Redis a second, in GETs.</summary>
    public double PeakGets => PeakAnswers * ((RedisScripts * Assumptions.ScriptGets) + RedisCommands);

    /// <summary>The smallest size that carries them; null where none does.</summary>
    public string? RedisSize => PublishedLimits.RedisSizes.Where(size => PeakGets <= size.Gets * Share).Select(size => size.Name).FirstOrDefault();

    public double InputTokens => Answers * ModelCalls * Assumptions.InputTokens;

    public double OutputTokens => Answers * Assumptions.Characters / Assumptions.CharactersAToken;

    /// <summary>Requests to the model a minute.</summary>
    public double PeakModelCalls => PeakAnswers * 60 * ModelCalls;

    /// <summary>Tokens in and out a minute.</summary>
    public double PeakTokens => (InputTokens + OutputTokens) / MinutesADay * Assumptions.Peak;

    /// <summary>Quotas of a region and subscription that are needed, by default.</summary>
    public int DefaultQuotas => Math.Max(Needed(PeakTokens, PublishedLimits.DefaultTokens), Needed(PeakModelCalls, PublishedLimits.DefaultRequests));

    /// <summary>The same with an enterprise agreement.</summary>
    public int EnterpriseQuotas => Math.Max(Needed(PeakTokens, PublishedLimits.EnterpriseTokens), Needed(PeakModelCalls, PublishedLimits.EnterpriseRequests));

    private double Share => Assumptions.Load / 100;

    private double ModelCalls => 1 + Assumptions.ToolRounds;

    private double ControlMessagesAnAnswer =>
        AppFigures.StartActions + AppFigures.Activities(Assumptions.ToolRounds) + AppFigures.ProgressEvents(Assumptions.Seconds) + AppFigures.TimerActions;

    private double StorageRequestsAnAnswer =>
        ((AppFigures.Activities(Assumptions.ToolRounds) + ControlMessagesAnAnswer) * AppFigures.StorageRequestsAMessage)
        + (ControlMessagesAnAnswer * AppFigures.StorageRequestsAStep);

    private double StatusUpdates => AppFigures.StatusUpdates + (AppFigures.StatusUpdatesAToolRound * Assumptions.ToolRounds);

    private (int Updates, double Characters) Text =>
        AppFigures.Text(Assumptions.Characters, Assumptions.Characters / Assumptions.Seconds, Assumptions.CharactersAToken, Assumptions.SendMilliseconds / 1_000);

    private int TextUpdates => Text.Updates;

    private double RedisScripts =>
        AppFigures.RedisScripts + (AppFigures.RedisScriptsAToolRound * Assumptions.ToolRounds) + (AppFigures.RedisScriptsAnUpdate * TextUpdates);

    private double RedisCommands =>
        AppFigures.RedisCommands + (AppFigures.RedisCommandsAToolRound * Assumptions.ToolRounds) + (AppFigures.RedisCommandsAnUpdate * TextUpdates);

    /// <summary>Each update carries all the text so far, and so does the final one.</summary>
    private double WholeBytes(int around) => ((TextUpdates + StatusUpdates) * around)
        + ((Text.Characters + Assumptions.Characters) * Assumptions.BytesACharacter);

    /// <summary>Each update carries what is new, and the final one all the text.</summary>
    private double DeltaBytes(int around) => ((TextUpdates + StatusUpdates) * around) + (2 * Assumptions.Characters * Assumptions.BytesACharacter);

    private static int Needed(double amount, double each) => Math.Max(1, (int)Math.Ceiling(amount / each));
}
