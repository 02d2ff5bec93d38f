namespace Cosmo.Bench;

/// <summary>One thing that was measured, in every round.</summary>
/// <param name="Scenario">The scenario.</param>
/// <param name="Name">What it is.</param>
/// <param name="Unit">Its unit.</param>
/// <param name="Path">Whose; empty where there is only one.</param>
internal sealed record Figure(string Scenario, string Name, string Unit, string Path)
{
    public List<double> Rounds { get; } = [];

    public double Median => Statistics.Percentile(Rounds, 50);

    public double Least => Rounds.Min();

    public double Most => Rounds.Max();
}

internal static class Statistics
{
    /// <summary>A percentile, 0 to 100, by the nearest rank; NaN of nothing.</summary>
    public static double Percentile(IEnumerable<double> values, double percent)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? double.NaN : sorted[Math.Clamp((int)Math.Ceiling(sorted.Length * percent / 100) - 1, 0, sorted.Length - 1)];
    }
}

/// <summary>Collects what is measured.</summary>
internal sealed class Figures
{
    private readonly List<Figure> _all = [];

    public IReadOnlyList<Figure> All => _all;

    /// <summary>A scenario did not come to its end.</summary>
    public bool HaveGap { get; set; }

    public void Add(string scenario, string path, string name, string unit, double value)
    {
        if (_all.Find(figure => figure.Scenario == scenario && figure.Name == name && figure.Path == path) is not { } figure)
        {
            _all.Add(figure = new Figure(scenario, name, unit, path));
        }

        if (!double.IsNaN(value))
        {
            figure.Rounds.Add(value);
        }
    }

    /// <summary>The median and the 99th percentile of one round's values.</summary>
    public void AddBoth(string scenario, string path, string name, string unit, IEnumerable<double> values)
    {
        var all = values.ToArray();
        Add(scenario, path, $"{name}, p50", unit, Statistics.Percentile(all, 50));
        Add(scenario, path, $"{name}, p99", unit, Statistics.Percentile(all, 99));
    }

    /// <summary>When what of an answer came, and what it took.</summary>
    public void AddLatencies(string scenario, string path, Round round)
    {
        if (path == "bare")
        {
            AddBoth(scenario, path, "publish to final", "ms", round.Milliseconds(one => one.Final?.At - one.Published));
            return;
        }

        AddBoth(scenario, path, "publish to started", "ms", round.Milliseconds(one => one.Started - one.Published));
        AddBoth(scenario, path, "publish to first text", "ms", round.Milliseconds(one => one.FirstText?.At - one.Published));
        AddBoth(scenario, path, "model's first token to first text", "ms", round.Milliseconds(one => one.FirstText?.Age));
        AddBoth(scenario, path, "model's last token to final update", "ms", round.Milliseconds(one => one.Final?.Age));
        AddProcessor(scenario, path, round);
        AddAllocations(scenario, path, round);
    }

    /// <summary>Processor time by process, in milliseconds an answer.</summary>
    public void AddProcessor(string scenario, string path, Round round)
    {
        foreach (var (process, seconds) in round.Processor.Where(process => process.Value > 0.02).OrderBy(process => process.Key, StringComparer.Ordinal))
        {
            Add(scenario, path, $"processor time an answer, {process}", "ms", seconds * 1000 / Math.Max(1, round.Answered.Count));
        }

        var own = path == "bare" ? round.Processor["bare's host"] + round.Processor["bare's worker"] : round.Processor["host"] + round.Processor.GetValueOrDefault("worker");
        Add(scenario, path, "processor time an answer, host and worker", "ms", own * 1000 / Math.Max(1, round.Answered.Count));
    }

    /// <summary>What host and worker allocated on their managed heaps, in kilobytes an answer.</summary>
    public void AddAllocations(string scenario, string path, Round round)
    {
        string[] own = path switch { "bare" => ["bare's host", "bare's worker"], "cosmo" => ["host", "worker"], _ => [] };
        foreach (var process in own)
        {
            Add(scenario, path, $"allocated an answer, {process}", "KB", round.Allocated.GetValueOrDefault(process) / 1000.0 / Math.Max(1, round.Answered.Count));
        }
    }

    /// <summary>The most memory that host and worker held in a round.</summary>
    public void AddMemory(string scenario, string path, Round round)
    {
        foreach (var (process, megabytes) in round.Memory.Where(process => process.Key is "host" or "worker" or LoadClient.HostAndWorker))
        {
            Add(scenario, path, $"memory, {process}", "MB", megabytes);
        }
    }
}
