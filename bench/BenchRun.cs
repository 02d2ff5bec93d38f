using Cosmo.Local.Terminal;
using Spectre.Console;

namespace Cosmo.Bench;

/// <summary>One run of the benchmark.</summary>
internal static class BenchRun
{
    /// <summary>No scenario takes longer; one that would is ended, and the others go on.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(20);

    public static async Task<int> RunAsync(BenchOptions options)
    {
        var scenarios = Scenario.All.Where(one => options.Names.Count == 0 || options.Names.Any(name => one.Name.StartsWith(name, StringComparison.OrdinalIgnoreCase))).ToList();
        if (options.IsList || scenarios.Count == 0)
        {
            foreach (var scenario in Scenario.All)
            {
                Console.WriteLine($"  {scenario.Name,-14} {scenario.Description}");
            }

            return options.IsList ? ExitCodes.Done : throw new TerminalException(ExitCodes.Failed, $"Nothing begins with {string.Join(" or ", options.Names)}. What can be measured stands above.");
        }

        using var signals = new StopSignals();
        var data = Path.Combine(Path.GetTempPath(), $"cosmo-bench-{Environment.ProcessId}");
        Directory.CreateDirectory(data);
        var figures = new Figures();
        try
        {
            await using var stack = await Stack.StartAsync(data, options, signals.Token);
            await AnsiConsole.Progress().Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new ElapsedTimeColumn()).StartAsync(async progress =>
            {
                var all = progress.AddTask("starting", maxValue: scenarios.Count);
                foreach (var scenario in scenarios)
                {
                    await RunAsync(scenario, options.Rounds, stack, figures, told => all.Description = $"{scenario.Name}: {told}", signals.Token);
                    all.Increment(1);
                }
            });
        }
        catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
        {
            Console.WriteLine("Stopped.");
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }

        Directory.CreateDirectory(options.Folder);
        var file = Path.Combine(options.Folder, DateTime.UtcNow.ToString("yyyyMMdd-HHmmss", System.Globalization.CultureInfo.InvariantCulture));
        var markdown = Report.Markdown(figures.All, options.Rounds);
        await File.WriteAllTextAsync(file + ".md", markdown);
        await File.WriteAllTextAsync(file + ".json", Report.Json(figures.All, options.Rounds));
        Console.WriteLine(markdown);
        Console.WriteLine($"{file}.md and .json have it.");
        return signals.ExitCode;
    }

    private static async Task RunAsync(Scenario scenario, int rounds, Stack stack, Figures figures, Action<string> tell, CancellationToken stopping)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        limit.CancelAfter(Limit);
        var session = new Session(scenario.Name, new LoadClient(stack, limit.Token), figures, rounds, tell);
        try
        {
            await scenario.RunAsync(session);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            Console.WriteLine($"{scenario.Name} was ended after {Limit.TotalMinutes} minutes.");
        }
        finally
        {
            await session.CloseAsync();
        }
    }
}
