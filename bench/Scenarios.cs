using System.Diagnostics;
using Cosmo.Local.Terminal;
using Cosmo.Local.Terminal.Running;

namespace Cosmo.Bench;

/// <summary>What is measured, by name.</summary>
/// <param name="Name">As it is called.</param>
/// <param name="Description">What it asks.</param>
/// <param name="RunAsync">Measures, round by round.</param>
internal sealed record Scenario(string Name, string Description, Func<Session, Task> RunAsync)
{
    public static IReadOnlyList<Scenario> All { get; } =
    [
        Latency(1, 4), Latency(20, 3), Latency(100, 2),
        Lag(1, 20), Lag(1, 50), Lag(100, 20), Lag(100, 50), Lag(300, 20), Lag(1000, 20),
        Begin, Short(20, 15, hasTool: false), Short(20, 8, hasTool: true), Trigger(1200),
        Cost(100, 50), Cost(1_000, 50), Cost(10_000, 20), Cost(60_000, 6),
        Actions("plain", 3, hasTool: false), Actions("tool", 3, hasTool: true), Actions("long", 10, hasTool: false),
        Steps("sqlite", 500), Steps(Azurite.Name, 100),
        Channel(10), Channel(1_000), Channel(10_000),
        FinishedInstances(0), FinishedInstances(100_000), FinishedInstances(1_000_000),
        Threads(0), Threads(1_000_000),
        LongRun,
    ];

    /// <summary>No run of it takes longer; one that would is ended, and the others go on.</summary>
    /// <param name="minutes">What a long run is asked to take.</param>
    public TimeSpan Limit(int minutes) => TimeSpan.FromMinutes(IsOnRequest ? minutes + 10 : 20);

    /// <summary>Whether it runs only where it is named.</summary>
    public bool IsOnRequest { get; init; }

    /// <summary>Whether a name is this one's, or its beginning where it is nobody's.</summary>
    public bool IsMeantBy(string name) =>
        All.Any(one => one.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) ? Name.Equals(name, StringComparison.OrdinalIgnoreCase) : Name.StartsWith(name, StringComparison.OrdinalIgnoreCase);

    private static string Count(int conversations) => conversations == 1 ? "1 conversation" : $"{conversations} conversations";

    /// <summary>Questions that come evenly, four seconds from one to the next of a conversation: 60 tokens, 20 a second, the first after 150 ms.</summary>
    private static Scenario Latency(int conversations, int questions) => new($"latency-{conversations}", $"times of answers with {Count(conversations)} at once", async session =>
    {
        var listeners = await session.OpenAsync(conversations);
        var load = new Load(_ => new Recipe(60, 50, 150, HasTool: false), questions, TimeSpan.FromSeconds(4));
        await session.CompareAsync(listeners, load, session.Figures.AddLatencies, withBare: true);
    });

    /// <summary>
    /// How far the text is behind the model while all conversations stream: of every token how old it was when it was first seen, from when all have begun until the
    /// first has ended. They are asked one after the other, and the model begins with all of them within two seconds, and goes on for twelve.
    /// </summary>
    private static Scenario Lag(int conversations, int tokensPerSecond) => new($"lag-{conversations}-{tokensPerSecond}", $"lag of text with {Count(conversations)} of {tokensPerSecond} tokens a second", async session =>
    {
        var listeners = await session.OpenAsync(conversations);
        var ramp = TimeSpan.FromMilliseconds(30 * conversations);
        var load = new Load(i => new Recipe(12 * tokensPerSecond, 1000 / tokensPerSecond, (int)(ramp * (1 - ((double)i / conversations))).TotalMilliseconds + (2000 * i / conversations), HasTool: false), 1, ramp, TakesLags: true);
        await session.CompareAsync(listeners, load, (name, path, round) =>
        {
            if (round.Answered.Count == 0)
            {
                return;
            }

            var (from, to) = (round.Answered.Max(one => one.FirstText!.Value.At), round.Answered.Min(one => one.Final!.Value.At));
            var lags = round.Answered.SelectMany(one => one.Lags).Where(lag => lag.At >= from && lag.At <= to).Select(lag => lag.Age / 1000.0);
            session.Figures.AddBoth(name, path, "lag behind the model", "ms", lags);
            session.Figures.AddBoth(name, path, "model's first token to first text", "ms", round.Milliseconds(one => one.FirstText?.Age));
            session.Figures.AddBoth(name, path, "model's last token to final update", "ms", round.Milliseconds(one => one.Final?.Age));
            session.Figures.Add(name, path, "updates an answer", "", round.Answered.Average(one => one.Updates));
            session.Figures.Add(name, path, "KB an answer to its client", "KB", round.Answered.Average(one => one.Bytes) / 1000);
            session.Figures.AddProcessor(name, path, round);
            session.Figures.AddMemory(name, path, round);
        });
    });

    /// <summary>How fast messages are taken in, each of another channel, while the model lets all of them wait.</summary>
    private static Scenario Trigger(int messages) => new("trigger", $"messages a second that are taken in, of {messages} that come at once", session => session.TakeInAsync(messages));

    /// <summary>What an answer costs of each service, alone on the machine: about four characters a token would be usual, here it is six.</summary>
    private static Scenario Cost(int characters, int paceMilliseconds) => new($"cost-{characters}", $"what an answer of {characters} characters takes of each service, {1000 / paceMilliseconds} tokens a second", async session =>
    {
        var listeners = await session.OpenAsync(1);
        await session.CountAsync(listeners, new Load(_ => new Recipe(characters / TimeToken.Length, paceMilliseconds, 150, HasTool: false), 1, TimeSpan.Zero));
    });

    /// <summary>The first answers after a start: three in a row of 20 conversations, as <see cref="Short"/> asks them, and no round before that. Only what is measured first is new.</summary>
    private static Scenario Begin => new("begin", "the first short answers after a start, 20 conversations; alone, as the first", async session =>
    {
        var listeners = await session.OpenAsync(20);
        await session.CompareAsync(listeners, new Load(_ => new Recipe(10, 0, 0, HasTool: false), 3, TimeSpan.Zero), (name, path, round) =>
        {
            session.Figures.Add(name, path, "answers a second", "1/s", round.Answered.Count / round.Seconds);
            session.Figures.AddProcessor(name, path, round);
        }, isCold: true);
    });

    /// <summary>Answers of ten tokens at once, asked as soon as the one before is there.</summary>
    private static Scenario Short(int conversations, int questions, bool hasTool) => new(hasTool ? "short-tool" : "short-plain", $"short answers{(hasTool ? " with a round of tools" : "")}, {conversations} conversations", async session =>
    {
        var listeners = await session.OpenAsync(conversations);
        var load = new Load(_ => new Recipe(10, 0, 0, hasTool), questions, TimeSpan.Zero);
        await session.CompareAsync(listeners, load, (name, path, round) =>
        {
            session.Figures.Add(name, path, "answers a second", "1/s", round.Answered.Count / round.Seconds);
            session.Figures.AddBoth(name, path, "publish to final", "ms", round.Milliseconds(one => one.Final?.At - one.Published));
            session.Figures.AddProcessor(name, path, round);
            session.Figures.AddAllocations(name, path, round);
        }, withBare: !hasTool);
    });

    /// <summary>How many Durable actions an answer takes, counted in its history: they are what the Durable Task Scheduler bills.</summary>
    private static Scenario Actions(string kind, int seconds, bool hasTool) => new(
        $"actions-{kind}", $"Durable actions of an answer of {seconds} seconds{(hasTool ? " with a round of tools" : "")}",
        session => session.CountActionsAsync(new Recipe(seconds * 20, 50, 150, hasTool)));

    /// <summary>What a Durable store takes by itself: orchestrations of two activities that do nothing, all at once. Each has five steps, three of its own and the activities.</summary>
    private static Scenario Steps(string store, int orchestrations) => new(
        $"steps-{store}", $"Durable steps a second on {store}, {orchestrations} orchestrations of five steps at once",
        session => session.CountStepsAsync(store == Azurite.Name, orchestrations, stepsEach: 5));

    /// <summary>Answers in a channel that has had so many messages, each of which was answered: what the app keeps of them is there because it kept it.</summary>
    private static Scenario Channel(int messages) => Growth("channel", messages, "messages in the channel", 1, async session =>
    {
        var listeners = await session.OpenAsync(1);
        session.Tell($"answering {messages} messages");
        await session.AskAsync(listeners, new Load(_ => new Recipe(2, 0, 0, HasTool: false), messages - 1, TimeSpan.Zero));
        return listeners;
    });

    /// <summary>Answers with so many finished instances in the Durable store, copies of a real one with all its history.</summary>
    private static Scenario FinishedInstances(int instances) => Growth("instances", instances, "finished instances", 20, async session =>
    {
        var listeners = await session.OpenAsync(20);
        session.Tell($"filling in {instances} instances");
        var started = await session.RestartAsync(() => session.Stores.FillInstances(instances));
        session.Figures.Add($"growth-instances-{instances}", "cosmo", "seconds until the host is ready", "s", started.TotalSeconds);
        return listeners;
    });

    /// <summary>Answers with so many other threads in Redis.</summary>
    private static Scenario Threads(int threads) => Growth("threads", threads, "other threads in Redis", 20, async session =>
    {
        session.Tell($"filling in {threads} threads");
        await session.Stores.FillThreadsAsync(threads, session.Stopping);
        return await session.OpenAsync(20);
    });

    private static Scenario LongRun => new(Soak.Name, "an hour, or --minutes, of steady load with some trouble, and whether anything grows; where it is named", session => session.SoakAsync())
    {
        IsOnRequest = true,
    };

    /// <summary>Latencies, as <see cref="Latency"/> takes them, and the stores' sizes, where there was nothing and then much. Nothing of it is left for others.</summary>
    private static Scenario Growth(string of, int size, string description, int conversations, Func<Session, Task<IReadOnlyList<Listener>>> fill) =>
        new($"growth-{of}-{size}", $"times of answers with {size} {description}, {Count(conversations)} at once", async session =>
        {
            await session.ClearAsync();
            try
            {
                var begun = Stopwatch.GetTimestamp();
                var listeners = await fill(session);
                Console.WriteLine($"{size} {description} after {Stopwatch.GetElapsedTime(begun).TotalSeconds:0} seconds.");
                await session.WarmAsync();
                var (_, redis) = await session.Stores.RedisAsync();
                session.Figures.Add($"growth-{of}-{size}", "cosmo", "Durable store", "MB", session.Stores.DurableBytes / 1e6);
                session.Figures.Add($"growth-{of}-{size}", "cosmo", "Redis", "MB", redis / 1e6);
                await session.CompareAsync(listeners, new Load(_ => new Recipe(60, 50, 150, HasTool: false), conversations == 1 ? 4 : 3, TimeSpan.FromSeconds(4)), session.Figures.AddLatencies);
            }
            finally
            {
                await session.ClearAsync();
            }
        });
}

/// <summary>One run of a scenario.</summary>
internal sealed class Session(string name, Stack stack, Figures figures, int rounds, int minutes, Action<string> tell, CancellationToken stopping)
{
    private readonly LoadClient _client = new(stack, stopping);
    private readonly List<Listener> _opened = [];

    public Figures Figures => figures;

    public Stores Stores { get; } = new(stack);

    public CancellationToken Stopping => stopping;

    public void Tell(string what) => tell(what);

    public async Task<IReadOnlyList<Listener>> OpenAsync(int conversations)
    {
        tell("opening");
        _opened.AddRange(await _client.OpenAsync($"{name}-{Guid.NewGuid().ToString("N")[..6]}", conversations));
        return _opened;
    }

    /// <summary>Asks of Cosmo what is not measured.</summary>
    public Task<Round> AskAsync(IReadOnlyList<Listener> listeners, Load load) => _client.RunAsync(_client.Cosmo, listeners, load);

    /// <summary>Some hundred short answers, after which the code of a process that has just been started is compiled.</summary>
    public async Task WarmAsync()
    {
        tell("warming up");
        var listeners = await _client.OpenAsync($"{name}-warm-{Guid.NewGuid().ToString("N")[..6]}", 20);
        _opened.AddRange(listeners);
        await AskAsync(listeners, new Load(_ => new Recipe(10, 0, 0, HasTool: false), 25, TimeSpan.Zero));
    }

    /// <summary>Restarts the functions with empty stores.</summary>
    public async Task ClearAsync()
    {
        tell("emptying the stores");
        await RestartAsync(Stores.ClearInstances);
        await Stores.ClearRedisAsync();
    }

    /// <summary>Restarts the functions, without the comparison of all keys with the index of threads, which would run beside what is measured.</summary>
    /// <inheritdoc cref="Stack.RestartFunctionsAsync"/>
    public Task<TimeSpan> RestartAsync(Action meanwhile) =>
        stack.RestartFunctionsAsync(meanwhile, new Dictionary<string, string?> { ["AzureWebJobs.RefreshThreadIndex.Disabled"] = "true" }, CancellationToken.None);

    public async Task SoakAsync()
    {
        using var soak = new Soak(stack, Stores, figures, tell, stopping);
        await soak.RunAsync(minutes);
    }

    public async Task CountActionsAsync(Recipe recipe)
    {
        var listeners = await OpenAsync(1);
        await Stores.ActionsAsync(0, 1, stopping);
        for (var round = 1; round <= rounds; round++)
        {
            tell($"round {round} of {rounds}");
            var before = Stores.NewestInstance();
            await AskAsync(listeners, new Load(_ => recipe, 1, TimeSpan.Zero));
            figures.Add(name, "cosmo", "Durable actions", "", (await Stores.ActionsAsync(before, 1, stopping)).Single());
        }
    }

    public async Task CountStepsAsync(bool onAzurite, int orchestrations, int stepsEach)
    {
        var listeners = (IReadOnlyList<Listener>)await _client.OpenAsync($"{name}-{Guid.NewGuid().ToString("N")[..6]}", 1, isWarm: false);
        _opened.AddRange(listeners);
        try
        {
            await stack.RestartBareAsync(onAzurite, stopping);
        }
        catch (TerminalException error) when (onAzurite)
        {
            Console.WriteLine($"{name} is left out: {error.Message}");
            return;
        }

        var burst = new AnswerPath("bare", (channel, messageId, _, token) => stack.PublishBurstAsync(channel, messageId, orchestrations, token));
        for (var round = 0; round <= rounds; round++)
        {
            tell(round == 0 ? "warming up" : $"round {round} of {rounds}");
            var result = await _client.RunAsync(burst, listeners, new Load(_ => new Recipe(1, 0, 0, HasTool: false), 1, TimeSpan.Zero));
            if (round > 0 && result.Answered.Count == 1)
            {
                figures.Add(name, burst.Name, "steps a second", "1/s", orchestrations * stepsEach / result.Seconds);
                figures.Add(name, burst.Name, "orchestrations a second", "1/s", orchestrations / result.Seconds);
                figures.Add(name, burst.Name, "processor time a step, host and worker", "ms", (result.Processor["bare's host"] + result.Processor["bare's worker"]) * 1000 / (orchestrations * stepsEach));
            }
        }

        if (onAzurite)
        {
            await stack.RestartBareAsync(onAzurite: false, stopping);
        }
    }

    /// <summary>The ways in turns, one round first that is not counted, unless it is about that.</summary>
    public async Task CompareAsync(IReadOnlyList<Listener> listeners, Load load, Action<string, string, Round> take, bool withBare = false, bool isCold = false)
    {
        for (var round = isCold ? 1 : 0; round <= rounds; round++)
        {
            foreach (var path in (AnswerPath[])[_client.Direct, .. withBare ? [_client.Bare] : Array.Empty<AnswerPath>(), _client.Cosmo])
            {
                tell(round == 0 ? $"warming up, {path.Name}" : $"round {round} of {rounds}, {path.Name}");
                var result = await _client.RunAsync(path, listeners, load);
                if (round > 0)
                {
                    take(name, path.Name, result);
                    figures.Add(name, path.Name, "not answered", "", result.Asked.Count - result.Answered.Count);
                }
            }
        }
    }

    public async Task TakeInAsync(int messages)
    {
        for (var round = 0; round <= rounds; round++)
        {
            tell(round == 0 ? "warming up" : $"round {round} of {rounds}");
            var seconds = await _client.TakeInAsync(messages, new Recipe(2, 0, 25_000, HasTool: false));
            if (round > 0)
            {
                figures.Add(name, "cosmo", "messages a second", "1/s", messages / seconds);
            }
        }
    }

    public async Task CountAsync(IReadOnlyList<Listener> listeners, Load load)
    {
        for (var round = 0; round <= rounds; round++)
        {
            tell(round == 0 ? "warming up" : $"round {round} of {rounds}");
            var (result, redis) = await _client.CountRedisAsync(() => _client.RunAsync(_client.Cosmo, listeners, load));
            if (round > 0 && result.Answered is [var answer])
            {
                figures.Add(name, "cosmo", "messages of Web PubSub", "", answer.Updates);
                figures.Add(name, "cosmo", "KB to the client", "KB", answer.Bytes / 1000.0);
                figures.Add(name, "cosmo", "bytes to the client for each of the text", "", answer.Bytes / (double)(answer.Seen * TimeToken.Length));
                figures.Add(name, "cosmo", "commands and scripts of Redis", "", redis);
                figures.AddProcessor(name, "cosmo", result);
                figures.AddAllocations(name, "cosmo", result);
            }
        }
    }

    public async Task CloseAsync()
    {
        foreach (var listener in _opened)
        {
            await listener.DisposeAsync();
        }
    }
}
