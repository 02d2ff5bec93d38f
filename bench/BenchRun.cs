using Cosmo.Local.Terminal;
using Spectre.Console;

namespace Cosmo.Bench;

/// <summary>One run of the benchmark.</summary>
internal static class BenchRun
{
    public static async Task<int> RunAsync(BenchOptions options)
    {
        var scenarios = Scenario.All.Where(one => options.Names.Count == 0 ? !one.IsOnRequest : options.Names.Any(one.IsMeantBy)).ToList();
        if (options.IsList || scenarios.Count == 0)
        {
            foreach (var scenario in Scenario.All)
            {
                Console.WriteLine($"  {scenario.Name,-24} {scenario.Description}");
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
                    await RunAsync(scenario, options, stack, figures, told => all.Description = $"{scenario.Name}: {told}", signals.Token);
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
        return signals.ExitCode is ExitCodes.Done && figures.HaveGap ? ExitCodes.Failed : signals.ExitCode;
    }

    private static async Task RunAsync(Scenario scenario, BenchOptions options, Stack stack, Figures figures, Action<string> tell, CancellationToken stopping)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        limit.CancelAfter(scenario.Limit(options.Minutes));
        var session = new Session(scenario.Name, stack, figures, options.Rounds, options.Minutes, tell, limit.Token);
        try
        {
            await scenario.RunAsync(session);
        }
        catch (Exception error) when (!limit.IsCancellationRequested)
        {
            // The others go on, and what was measured so far is told.
            Console.WriteLine($"{scenario.Name} broke off: {error}");
            figures.HaveGap = true;
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            figures.HaveGap = true;
            Console.WriteLine($"{scenario.Name} was ended after {scenario.Limit(options.Minutes).TotalMinutes} minutes.");
        }
        finally
        {
            await session.CloseAsync();
        }
    }
}
