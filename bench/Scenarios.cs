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
    ];

    private static string Count(int conversations) => conversations == 1 ? "1 conversation" : $"{conversations} conversations";

    /// <summary>Questions that come evenly, four seconds from one to the next of a conversation: 60 tokens, 20 a second, the first after 150 ms.</summary>
    private static Scenario Latency(int conversations, int questions) => new($"latency-{conversations}", $"times of answers with {Count(conversations)} at once", async session =>
    {
        var listeners = await session.OpenAsync(conversations);
        var load = new Load(_ => new Recipe(60, 50, 150, HasTool: false), questions, TimeSpan.FromSeconds(4));
        await session.CompareAsync(listeners, load, (name, path, round) =>
        {
            var figures = session.Figures;
            figures.AddBoth(name, path, "publish to started", "ms", round.Milliseconds(one => one.Started - one.Published));
            figures.AddBoth(name, path, "publish to first text", "ms", round.Milliseconds(one => one.FirstText?.At - one.Published));
            figures.AddBoth(name, path, "model's first token to first text", "ms", round.Milliseconds(one => one.FirstText?.Age));
            figures.AddBoth(name, path, "model's last token to final update", "ms", round.Milliseconds(one => one.Final?.Age));
            figures.AddProcessor(name, path, round);
        });
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
        }, withBare: !hasTool);
    });
}

/// <summary>One run of a scenario.</summary>
internal sealed class Session(string name, LoadClient client, Figures figures, int rounds, Action<string> tell)
{
    private readonly List<Listener> _opened = [];

    public Figures Figures => figures;

    public async Task<IReadOnlyList<Listener>> OpenAsync(int conversations)
    {
        tell("opening");
        _opened.AddRange(await client.OpenAsync($"{name}-{Guid.NewGuid().ToString("N")[..6]}", conversations));
        return _opened;
    }

    /// <summary>The ways in turns, one round first that is not counted, unless it is about that.</summary>
    public async Task CompareAsync(IReadOnlyList<Listener> listeners, Load load, Action<string, string, Round> take, bool withBare = false, bool isCold = false)
    {
        for (var round = isCold ? 1 : 0; round <= rounds; round++)
        {
            foreach (var path in (AnswerPath[])[client.Direct, .. withBare ? [client.Bare] : Array.Empty<AnswerPath>(), client.Cosmo])
            {
                tell(round == 0 ? $"warming up, {path.Name}" : $"round {round} of {rounds}, {path.Name}");
                var result = await client.RunAsync(path, listeners, load);
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
            var seconds = await client.TakeInAsync(messages, new Recipe(2, 0, 25_000, HasTool: false));
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
            var (result, redis) = await client.CountRedisAsync(() => client.RunAsync(client.Cosmo, listeners, load));
            if (round > 0 && result.Answered is [var answer])
            {
                figures.Add(name, "cosmo", "messages of Web PubSub", "", answer.Updates);
                figures.Add(name, "cosmo", "KB to the client", "KB", answer.Bytes / 1000.0);
                figures.Add(name, "cosmo", "bytes to the client for each of the text", "", answer.Bytes / (double)(answer.Seen * TimeToken.Length));
                figures.Add(name, "cosmo", "commands and scripts of Redis", "", redis);
                figures.AddProcessor(name, "cosmo", result);
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
