using System.Globalization;

namespace Cosmo.Functions.Tests.Proof;

/// <summary>A way to break something, and to mend it again.</summary>
/// <param name="Name">What is broken, and how.</param>
/// <param name="Loses">What no system behind it could keep.</param>
/// <param name="RunAsync">Breaks and mends. Returns how often it has hit.</param>
internal sealed record Fault(string Name, Loss Loses, Func<TortureStack, Random, CancellationToken, Task<int>> RunAsync)
{
    /// <summary>Where it can happen alone; null for everywhere.</summary>
    public Fleet? OnlyIn { get; init; }

    /// <summary>Who looks after the app finds it only after a minute.</summary>
    public bool TakesAMinute { get; init; }

    public static IReadOnlyList<Fault> All { get; } =
    [
        new("worker-kill", Loss.None, async (stack, random, _) =>
        {
            var hits = 0;
            await stack.RunAloneAsync(async () =>
            {
                // A host whose worker dies too often ends, and is started again by who looks after it.
                var app = stack.Any(random);
                if (app.WorkerId is not null)
                {
                    await app.KillWorkerAsync();
                    hits = 1;
                }
            });
            return hits;
        }),
        new("host-kill", Loss.None, async (stack, random, stopping) =>
        {
            await stack.RestartAsync(stack.Any(random), kill: true, Seconds(random, 0, 1), stopping);
            return 1;
        }),
        new("host-restart", Loss.None, async (stack, random, stopping) =>
        {
            await stack.RestartAsync(stack.Any(random), kill: false, Seconds(random, 0, 1), stopping);
            return 1;
        }),
        new("deployment", Loss.None, async (stack, _, stopping) =>
        {
            await stack.DeployAsync(stopping);
            return 1;
        }) { OnlyIn = Fleet.Rolling },
        Pause("worker-pause", Loss.Paused, (stack, random) => stack.Any(random).WorkerId is { } worker ? [worker] : []),
        Pause("host-pause", Loss.Paused, (stack, random) => [stack.Any(random).HostId]),
        MoveClock("worker-clock", app => app.WorkerId),
        MoveClock("host-clock", app => app.HostId),
        new("store-full", Loss.None, async (stack, random, stopping) =>
        {
            var app = stack.Any(random);
            var before = app.RefusedCommits;
            if (app.FillDisk() is { } filler)
            {
                await Task.Delay(Seconds(random, 1, 8), stopping);
                File.Delete(filler);
            }

            return app.RefusedCommits - before;
        }),
        new("redis-kill", Loss.RedisAway, async (stack, random, stopping) =>
        {
            await stack.Redis.KillAsync();
            await Task.Delay(Seconds(random, 0, 3), stopping);
            await stack.Redis.StartAsync();
            return 1;
        }),
        Pause("redis-pause", Loss.RedisAway, (stack, _) => [stack.Redis.Id]),
        new("redis-flush", Loss.Redis, async (stack, _, _) =>
        {
            await stack.Redis.FlushAsync();
            return 1;
        }),
        new("redis-full", Loss.RedisAway, async (stack, random, stopping) =>
        {
            await stack.Redis.CommandAsync("CONFIG RESETSTAT", stopping);
            await stack.Redis.CommandAsync("CONFIG SET maxmemory 1", stopping);
            await Task.Delay(Seconds(random, 1, 5), stopping);
            var refused = await stack.Redis.CommandAsync("INFO errorstats", stopping);
            await stack.Redis.CommandAsync("CONFIG SET maxmemory 0", stopping);
            return refused.Split('\n').Where(line => line.StartsWith("errorstat_OOM:count=", StringComparison.Ordinal)).Select(line => int.Parse(line.Trim().Split('=')[1], CultureInfo.InvariantCulture)).Sum();
        }),
        new("redis-failover", Loss.Redis, async (stack, random, stopping) =>
        {
            await stack.FailOverAsync(Seconds(random, 0, 2), stopping);
            return 1;
        }),
        new("broker-kill", Loss.None, async (stack, random, stopping) =>
        {
            await stack.Broker.KillAsync();
            await Task.Delay(Seconds(random, 0, 2), stopping);
            await stack.Broker.StartAsync();
            return 1;
        }),
        new("broker-restart", Loss.None, async (stack, _, _) =>
        {
            await stack.Broker.StopAsync();
            await stack.Broker.StartAsync();
            return 1;
        }),
        Pause("broker-pause", Loss.None, (stack, _) => Processes.TreeOf(stack.Broker.Id)),
        new("broker-queue-deleted", Loss.Broker, async (stack, _, stopping) =>
        {
            await stack.DeleteQueueAsync(stopping);
            return 1;
        }) { TakesAMinute = true },
        new("broker-blocked", Loss.None, async (stack, random, stopping) =>
        {
            await stack.Broker.ControlAsync(["set_vm_memory_high_watermark", "absolute", "1"], stopping);
            await Task.Delay(Seconds(random, 2, 6), stopping);
            await stack.Broker.ControlAsync(["set_vm_memory_high_watermark", "0.4"], stopping);
            return 1;
        }),
        .. Network("redis", Loss.RedisAway, stack => stack.ToRedis),
        .. Network("broker", Loss.None, stack => stack.ToBroker),
        .. Network("openai", Loss.None, stack => stack.ToOpenAI),
        .. Network("pubsub", Loss.None, stack => stack.ToWebPubSub),
        Model("slow", """{ "delayBeforeFirstEvent": 4000 }"""),
        Model("cut", """{ "cutAfterTokens": 5, "times": 4 }"""),
        Model("cut-at-end", """{ "cutAtCompletion": true, "times": 4 }"""),
        Model("429", """{ "status": 429, "times": 8, "headers": { "Retry-After": "1" } }"""),
        Model("500", """{ "status": 500, "times": 8 }"""),
        Model("wrong", """{ "unreadableAfterTokens": 3, "times": 4 }"""),
        Model("failed", """{ "failAfterTokens": 3, "times": 4 }"""),
        Model("silent", """{ "stallAfterTokens": 4, "times": 2 }"""),
        new("pubsub-refuses", Loss.None, async (stack, random, stopping) =>
        {
            await stack.Cosmo.FaultWebPubSubAsync("""{ "send": { "status": 503 }, "connect": { "status": 503 } }""");
            stack.ToWebPubSub.Cut();
            await Task.Delay(Seconds(random, 1, 6), stopping);
            await stack.Cosmo.FaultWebPubSubAsync("{}");
            return 1;
        }),
        new("clients-drop", Loss.None, async (stack, _, _) =>
        {
            await stack.Cosmo.DropSocketsAsync();
            return 1;
        }),
    ];

    private static TimeSpan Seconds(Random random, double least, double most) => TimeSpan.FromSeconds(least + (random.NextDouble() * (most - least)));

    /// <summary>A process stands still for a while, and goes on as if nothing had been.</summary>
    private static Fault Pause(string name, Loss loses, Func<TortureStack, Random, IEnumerable<int>> find) => new(name, loses, async (stack, random, stopping) =>
    {
        var hits = 0;
        await stack.RunAloneAsync(async () =>
        {
            int[] processes = [.. find(stack, random)];
            if (processes.Length > 0)
            {
                Processes.Signal("STOP", processes);
                await Task.Delay(Seconds(random, 0.2, 6), stopping);
                hits = processes.Count(Processes.IsStopped);
                Processes.Signal("CONT", processes);
            }
        });
        return hits;
    });

    /// <summary>The wall clock of a process goes wrong by up to two minutes, either way, and is set right again.</summary>
    private static Fault MoveClock(string name, Func<App, int?> find) => new(name, Loss.None, async (stack, random, stopping) =>
    {
        var app = stack.Any(random);
        var offset = Seconds(random, -120, 120);
        if (find(app) is not { } process || !app.MoveClock(process, offset))
        {
            return 0;
        }

        await Task.Delay(Seconds(random, 1, 8), stopping);
        app.MoveClock(process, TimeSpan.Zero);
        return 1;
    });

    /// <summary>What the way to a service can do.</summary>
    private static IEnumerable<Fault> Network(string service, Loss loses, Func<TortureStack, TcpProxy> find)
    {
        yield return Of("cut", (proxy, _) => proxy.Cut(), 0, 0);
        yield return Of("away", (proxy, _) => Refuse(proxy), 0.5, 6);
        yield return Of("slow", (proxy, random) => proxy.Delay(Seconds(random, 0.05, 0.4)), 2, 6);
        yield return Of("half", (proxy, random) => proxy.Halve(random.Next(1, 4)), 1, 3);

        // What it held, of connections that were given up as well, it delivers in the end, in any order.
        yield return Of("silent", (proxy, _) => proxy.FallSilent(), 0.5, 8) with { Loses = service == "pubsub" ? Loss.Paused : loses };

        Fault Of(string how, Action<TcpProxy, Random> begin, double least, double most) => new($"{service}-{how}", loses, async (stack, random, stopping) =>
        {
            var proxy = find(stack);
            var before = proxy.Hits;
            begin(proxy, random);
            await Task.Delay(Seconds(random, least, most), stopping);
            proxy.Heal();
            return proxy.Hits - before;
        });

        static void Refuse(TcpProxy proxy)
        {
            proxy.Refuses = true;
            proxy.Cut();
        }
    }

    /// <summary>The model's service misbehaves for a while, for every question.</summary>
    private static Fault Model(string how, string fault) => new($"model-{how}", Loss.None, async (stack, random, stopping) =>
    {
        var before = (await stack.Cosmo.RequestsAsync()).Count;
        await stack.Cosmo.FaultAsync($"[{fault}, {TortureLoad.Faults.Trim('[', ']')}]");
        await Task.Delay(Seconds(random, 2, 5), stopping);
        await stack.Cosmo.FaultAsync(TortureLoad.Faults);

        // A slow answer has no mark in the log of requests: all that came meanwhile was slow.
        return (await stack.Cosmo.RequestsAsync()).Skip(before).Count(request =>
            how == "slow" || request["status"]?.GetValue<int>() >= 400 || request["outcome"]?.GetValue<string>() is not "completed");
    });
}
