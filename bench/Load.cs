namespace Cosmo.Bench;

/// <summary>How questions are asked.</summary>
/// <param name="RecipeOf">What is to be answered in each conversation.</param>
/// <param name="Questions">How many each conversation asks, one after the other.</param>
/// <param name="Period">How long after a question the conversation's next one comes; the conversations' first ones spread evenly over it. Zero: as soon as the one before is answered.</param>
/// <param name="TakesLags">Whether the age of every token is noted.</param>
internal sealed record Load(Func<int, Recipe> RecipeOf, int Questions, TimeSpan Period, bool TakesLags = false);

/// <summary>What one round brought.</summary>
/// <param name="Asked">The questions.</param>
/// <param name="Seconds">From the first question to the last answer.</param>
/// <param name="Processor">Seconds of processor time by process.</param>
/// <param name="Memory">The most memory that was seen, in MB, by process.</param>
/// <param name="Allocated">Bytes that were allocated on the managed heap, by process, of those that have a <see cref="Gauge"/>.</param>
internal sealed record Round(
    IReadOnlyList<Asked> Asked, double Seconds, IReadOnlyDictionary<string, double> Processor, IReadOnlyDictionary<string, double> Memory, IReadOnlyDictionary<string, long> Allocated)
{
    public IReadOnlyList<Asked> Answered { get; } = [.. Asked.Where(one => one.Final is not null)];

    public IEnumerable<double> Milliseconds(Func<Asked, long?> take) => Answered.Select(take).OfType<long>().Select(microseconds => microseconds / 1000.0);
}

/// <summary>A way from a question to its answer.</summary>
/// <param name="Name">Its name in the report.</param>
/// <param name="AskAsync">Takes channel, message id and question.</param>
internal sealed record AnswerPath(string Name, Func<string, string, string, CancellationToken, Task> AskAsync);

/// <summary>Asks questions and listens to the answers.</summary>
internal sealed partial class LoadClient(Stack stack, CancellationToken stopping)
{
    /// <summary>How long the last answers are waited for.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(100);

    /// <summary>What the two hold together, in <see cref="Round.Memory"/>.</summary>
    public const string HostAndWorker = "host and worker";

    private int _asked;

    public AnswerPath Cosmo { get; } = new("cosmo", stack.PublishAsync);

    public AnswerPath Direct { get; } = new("direct", stack.AskDirectlyAsync);

    public AnswerPath Bare { get; } = new("bare", stack.PublishBareAsync);

    /// <summary>Conversations that have been opened, and have had a first short answer on both ways.</summary>
    public async Task<IReadOnlyList<Listener>> OpenAsync(string name, int conversations, bool isWarm = true)
    {
        var opened = new List<Listener>();
        for (var i = 0; i < conversations; i++)
        {
            opened.Add(await Listener.ConnectAsync(stack.WebPubSub, $"{name}-{i}", stopping));
        }

        if (isWarm)
        {
            var greeting = new Load(_ => new Recipe(2, 0, 0, HasTool: false), 1, TimeSpan.FromMilliseconds(15) * conversations);
            await RunAsync(Direct, opened, greeting);
            await RunAsync(Cosmo, opened, greeting);
        }

        return opened;
    }

    public async Task<Round> RunAsync(AnswerPath path, IReadOnlyList<Listener> listeners, Load load)
    {
        var ids = stack.Ids();
        var before = ids.ToDictionary(process => process.Key, process => ProcessFigures.ProcessorSeconds(process.Value));
        var allocated = stack.Allocated(ids);
        var own = Environment.CpuUsage.TotalTime;
        var begun = TimeToken.Now;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using var ended = new CancellationTokenSource();
        var memory = WatchMemoryAsync(ids, load.TakesLags, ended.Token);
        var asked = await Task.WhenAll(listeners.Select((listener, i) => ConverseAsync(path, listener, load, load.RecipeOf(i).ToString(), load.Period * i / listeners.Count, begun, limit)));
        var used = ids.ToDictionary(process => process.Key, process => ProcessFigures.ProcessorSeconds(process.Value) - before[process.Key]);
        used["client"] = (Environment.CpuUsage.TotalTime - own).TotalSeconds;
        var seconds = (TimeToken.Now - begun) / 1e6;
        await ended.CancelAsync();
        return new Round(
            [.. asked.SelectMany(one => one)], seconds, used, await memory, stack.Allocated(ids).ToDictionary(process => process.Key, process => process.Value - allocated[process.Key]));
    }

    /// <summary>Publishes messages, each in a channel of its own that nobody listens to. Answers how many seconds it took until the last was handed out.</summary>
    public async Task<double> TakeInAsync(int messages, Recipe recipe)
    {
        var run = Guid.NewGuid().ToString("N")[..6];
        var begun = TimeToken.Now;
        for (var i = 0; i < messages; i++)
        {
            await stack.PublishAsync($"trigger-{run}-{i}", $"t{run}-{i}", recipe.ToString(), stopping);
        }

        while (await stack.WaitingAsync(stopping) > 0)
        {
            await Task.Delay(5, stopping);
        }

        var seconds = (TimeToken.Now - begun) / 1e6;
        await Task.Delay(TimeSpan.FromMilliseconds(recipe.FirstMilliseconds) + TimeSpan.FromSeconds(8), stopping);
        return seconds;
    }

    /// <summary>How many calls reach Redis meanwhile, and for a moment after; what a script does there is not counted.</summary>
    public async Task<(T Result, int Calls)> CountRedisAsync<T>(Func<Task<T>> run)
    {
        using var monitor = new System.Net.Sockets.TcpClient();
        await monitor.ConnectAsync("127.0.0.1", stack.Ports.Redis, stopping);
        await monitor.GetStream().WriteAsync("MONITOR\r\n"u8.ToArray(), stopping);
        using var lines = new StreamReader(monitor.GetStream());
        await lines.ReadLineAsync(stopping);
        var counting = Task.Run(async () =>
        {
            // Calls of scripts have "lua" in the place of an address. Ping and what the client asks by itself to keep its connection is not an answer's.
            var calls = 0;
            while (await lines.ReadLineAsync() is { } line)
            {
                calls += line.Contains(" lua] ", StringComparison.Ordinal) || Own().IsMatch(line) ? 0 : 1;
            }

            return calls;
        });
        var result = await run();
        await Task.Delay(300, stopping);
        monitor.Client.Shutdown(System.Net.Sockets.SocketShutdown.Both);
        return (result, await counting);
    }

    [System.Text.RegularExpressions.GeneratedRegex("\\] \"(PING|ECHO|INFO|CLIENT|CONFIG)\"", System.Text.RegularExpressions.RegexOptions.IgnoreCase)]
    private static partial System.Text.RegularExpressions.Regex Own();

    private static async Task<Dictionary<string, double>> WatchMemoryAsync(IReadOnlyDictionary<string, int> ids, bool together, CancellationToken ended)
    {
        var most = new Dictionary<string, double>();
        while (!ended.IsCancellationRequested)
        {
            foreach (var (name, id) in ids)
            {
                most[name] = Math.Max(most.GetValueOrDefault(name), ProcessFigures.Megabytes(id));
            }

            if (together && ids.TryGetValue("worker", out var worker))
            {
                // It takes some ten milliseconds, in which the processes map nothing: so not where times are what is measured.
                most[HostAndWorker] = Math.Max(most.GetValueOrDefault(HostAndWorker), ProcessFigures.MegabytesTogether(ids["host"], worker));
            }

            await Task.Delay(TimeSpan.FromSeconds(2), ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return most;
    }

    private async Task<List<Asked>> ConverseAsync(AnswerPath path, Listener listener, Load load, string question, TimeSpan offset, long begun, CancellationTokenSource limit)
    {
        var all = new List<Asked>();
        for (var number = 0; number < load.Questions; number++)
        {
            var due = begun + (long)(offset + (load.Period * number)).TotalMicroseconds;
            if (due - TimeToken.Now is > 0 and var left)
            {
                await Task.Delay(TimeSpan.FromMicroseconds(left), limit.Token);
            }

            var asked = new Asked($"q{Interlocked.Increment(ref _asked)}", load.TakesLags) { Published = TimeToken.Now };
            listener.Expect(asked);
            all.Add(asked);
            await path.AskAsync(listener.Channel, asked.MessageId, question, limit.Token);
            try
            {
                await asked.Ended.WaitAsync(Patience, limit.Token);
            }
            catch (TimeoutException)
            {
                // It counts as not answered.
                Console.WriteLine($"{path.Name}: {asked.MessageId} had no end; {asked.Updates} updates, started {asked.Started is not null}");
            }
        }

        return all;
    }
}
