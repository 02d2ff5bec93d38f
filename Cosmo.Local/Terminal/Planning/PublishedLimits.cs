namespace Cosmo.Local.Terminal.Planning;

/// <summary>What each service gives, as its maker publishes it. <see cref="PlanSource"/> says where.</summary>
internal static class PublishedLimits
{
    /// <summary>Durable Task Scheduler, Consumption: actions a second.</summary>
    public const int ConsumptionActions = 500;

    /// <summary>Durable Task Scheduler, Dedicated: actions a second of a capacity unit.</summary>
    public const int UnitActions = 2_000;

    /// <summary>And gigabytes that it keeps.</summary>
    public const int UnitGigabytes = 50;

    /// <summary>Capacity units that a scheduler may have.</summary>
    public const int MostUnits = 3;

    /// <summary>Azure Storage: messages of 1 KiB a second of one queue.</summary>
    public const int QueueMessages = 2_000;

    /// <summary>And of an account.</summary>
    public const int AccountRequests = 20_000;

    /// <summary>Queues for orchestrations that a task hub may have.</summary>
    public const int MostPartitions = 16;

    /// <summary>Web PubSub: messages a second that a unit takes over WebSockets, of 2 KB and for a group of ten each.</summary>
    public const int UnitMessages = 400;

    /// <summary>And bytes a second.</summary>
    public const int UnitBytes = UnitMessages * 2_048;

    /// <summary>Such messages that a service takes a second, however many units it has.</summary>
    public const int ServiceMessages = 15_000;

    /// <summary>Connections of a unit at once.</summary>
    public const int UnitConnections = 1_000;

    /// <summary>Bytes out that are billed as one message.</summary>
    public const int BilledMessageBytes = 2_048;

    /// <summary>Such messages a day that come with a unit of Standard.</summary>
    public const int UnitMessagesADay = 1_000_000;

    /// <summary>How many units a service may have, Standard and Premium_P1; the last ten are Premium_P2's.</summary>
    public static readonly int[] UnitSteps = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000];

    /// <summary>Units of the largest service that is no Premium_P2.</summary>
    public const int MostStandardUnits = 100;

    /// <summary>Elastic Premium on Linux: instances of a plan, in most regions.</summary>
    public const int MostInstances = 20;

    /// <summary>Azure Managed Redis, Balanced: GETs of 1 KB a second by size.</summary>
    public static readonly (string Name, int Gets)[] RedisSizes =
        [("B0", 120_000), ("B3", 230_000), ("B10", 480_000), ("B20", 810_000), ("B50", 1_500_000), ("B100", 2_000_000)];

    /// <summary>Azure OpenAI, <c>gpt-4o-mini</c>, Global Standard: tokens a minute of a region and subscription, by default.</summary>
    public const int DefaultTokens = 2_000_000;

    /// <summary>And requests.</summary>
    public const int DefaultRequests = 12_000;

    /// <summary>The same with an enterprise agreement.</summary>
    public const int EnterpriseTokens = 50_000_000;

    /// <summary>And requests.</summary>
    public const int EnterpriseRequests = 300_000;
}

/// <summary>Where published figures stand.</summary>
/// <param name="Key">What a row names it by.</param>
/// <param name="Text">What is there, and what it does not say.</param>
/// <param name="Address">The page.</param>
internal sealed record PlanSource(string Key, string Text, string Address)
{
    public static IReadOnlyList<PlanSource> All { get; } =
    [
        new("dts", "Durable Task Scheduler: what an action is, actions a second and gigabytes of a capacity unit, at most three units; Consumption keeps data for 30 days, Dedicated for 90.",
            "https://learn.microsoft.com/azure/durable-task/scheduler/durable-task-scheduler-billing"),
        new("queue", "Queue Storage: messages a second of a queue and of an account, for messages of 1 KiB.", "https://learn.microsoft.com/azure/storage/queues/scalability-targets"),
        new("provider", "The Azure Storage provider: one queue for activities, 4 queues for orchestrations unless host.json has up to 16. What it takes of storage for an answer is not published; it is estimated from that page.",
            "https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-azure-storage-provider"),
        new("pubsub", "Web PubSub, performance: messages of 2 KB a second to small groups over WebSockets with 99 % under a second (figures of 2021, to groups of ten; over REST, which takes over where there is no WebSocket, a unit takes 180), connections of a unit. Latency stays low below 70 % of load.",
            "https://learn.microsoft.com/azure/azure-web-pubsub/concept-performance"),
        new("pubsub-units", "Web PubSub: units of a service; more than 100 are Premium_P2 and a preview, and more than 150 in a subscription and region have to be asked for.",
            "https://learn.microsoft.com/azure/azure-web-pubsub/howto-scale-manual-scale"),
        new("pubsub-bill", "Web PubSub, billing: what goes out is billed by 2 KB, beyond a million such messages a unit and day (Standard).", "https://learn.microsoft.com/azure/azure-web-pubsub/concept-billing-model"),
        new("trigger", "The RabbitMQ trigger runs on Elastic Premium and Dedicated plans alone.", "https://learn.microsoft.com/azure/azure-functions/functions-bindings-rabbitmq"),
        new("listener", "It hands one message at a time to the app on each instance; the rest of its 30 wait there (read in the extension's listener; its documentation does not say so).",
            "https://github.com/Azure/azure-functions-rabbitmq-extension"),
        new("plan", "Elastic Premium: instances by region; on Windows 100. What a Dedicated plan may have depends on its size.", "https://learn.microsoft.com/azure/azure-functions/functions-premium-plan"),
        new("redis", "Azure Managed Redis: GETs of 1 KB a second that were seen with the OSS cluster policy and TLS, no promise; writes and scripts cost more, hence --script-gets.",
            "https://learn.microsoft.com/azure/redis/best-practices-performance"),
        new("openai", "Azure OpenAI: quota of gpt-4o-mini, Global Standard, as it stood before quota tiers came; which tier a subscription has, its portal says. OpenAI's own limits differ by account and could not be verified: they are on the account's page of limits.",
            "https://learn.microsoft.com/azure/ai-services/openai/quotas-limits"),
    ];

    /// <summary>The number that a table names it by.</summary>
    public static int NumberOf(string key) => 1 + All.Select((source, index) => (source.Key, index)).First(one => one.Key == key).index;
}
