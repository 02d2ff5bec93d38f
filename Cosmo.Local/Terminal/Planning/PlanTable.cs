using System.Globalization;
using System.Text;
using Spectre.Console;

namespace Cosmo.Local.Terminal.Planning;

/// <summary>Plans side by side, as a table of the terminal or in Markdown.</summary>
internal sealed class PlanTable(IReadOnlyList<AzurePlan> plans)
{
    private const string Peak = "A second or a minute is the busiest one. Numbers are rounded to three digits.";

    private static readonly PlanRow[] Rows =
    [
        new("Load"),
        new("answers a day", plan => Count(plan.Answers)),
        new("answers a second", plan => Count(plan.PeakAnswers)),
        new("answers at once", plan => Count(plan.AnswersAtOnce)),
        new("connections at once", plan => Count(plan.ConnectionsAtOnce)),
        new("Durable Task Scheduler"),
        new("actions of an answer", plan => Count(plan.ActionsAnAnswer)),
        new("actions a day", plan => Count(plan.Actions)),
        new("actions a second", plan => Count(plan.PeakActions), "Consumption 500, a capacity unit 2,000", "dts"),
        new("gigabytes of history", plan => Count(plan.HistoryGigabytes), "50 of a capacity unit", "dts"),
        new("→ needs", Scheduler, "at most 3 capacity units", "dts"),
        new("or Azure Storage"),
        new("activities a second", plan => Count(plan.PeakActivities), "2,000 messages of a queue", "queue", "provider"),
        new("messages a second to orchestrations", plan => Count(plan.PeakControlMessages), "2,000 of a queue, 4 to 16 queues", "queue", "provider"),
        new("requests a day, estimated", plan => Count(plan.StorageRequests), Sources: ["provider"]),
        new("requests a second, estimated", plan => Count(plan.PeakStorageRequests), "20,000 of an account", "queue"),
        new("→ needs", Storage),
        new("Web PubSub"),
        new("messages of an answer", plan => Count(plan.SendsAnAnswer)),
        new("messages a second", plan => Count(plan.PeakSends), "400 of a unit, 15,000 of a service", "pubsub"),
        new("kilobytes a second in", plan => Count(plan.PeakSentBytes / 1_024), "800 of a unit", "pubsub"),
        new("units for messages, bytes, connections", plan => $"{Count(plan.UnitsForSends)}, {Count(plan.UnitsForBytes)}, {Count(plan.UnitsForConnections)}", "1,000 connections of a unit", "pubsub"),
        new("→ needs", Units, "1 to 10, then tens to 100, then hundreds to 1,000", "pubsub-units"),
        new("gigabytes out a day", plan => Count(plan.ReceivedGigabytes)),
        new("billed messages a day beyond the units' own", plan => plan.AdditionalMessages is { } more ? Count(more) : "–", "1,000,000 come with a unit", "pubsub-bill"),
        new("Functions, Elastic Premium or Dedicated"),
        new("instances for the trigger", plan => Count(plan.InstancesForTrigger), "one message at a time", "trigger", "listener"),
        new("instances for answers at once", plan => Count(plan.InstancesForActivities), $"{AppFigures.ActivitiesAnInstance} of an instance (host.json)"),
        new("instances for the processor", plan => Count(plan.InstancesForProcessor)),
        new("→ needs", Instances, "20 of a plan on Linux in most regions", "plan"),
        new("Redis"),
        new("scripts and commands of an answer", plan => Count(plan.RedisCallsAnAnswer)),
        new("scripts and commands a day", plan => Count(plan.RedisCalls)),
        new("scripts and commands a second", plan => Count(plan.PeakRedisCalls)),
        new("the same in GETs", plan => Count(plan.PeakGets), "B0 120,000, B3 230,000, B10 480,000 …", "redis"),
        new("→ needs", plan => plan.RedisSize is { } size ? $"Balanced {size}" : "more than one cache"),
        new("OpenAI"),
        new("tokens in a day", plan => Count(plan.InputTokens)),
        new("tokens out a day", plan => Count(plan.OutputTokens)),
        new("requests a minute", plan => Count(plan.PeakModelCalls), "12,000; with an enterprise agreement 300,000", "openai"),
        new("tokens a minute", plan => Count(plan.PeakTokens), "2,000,000; with an enterprise agreement 50,000,000", "openai"),
        new("→ needs", plan => $"{Quotas(plan.DefaultQuotas)}, or {Count(plan.EnterpriseQuotas)} with an agreement", "by region and subscription", "openai"),
    ];

    /// <summary>Writes a table with borders.</summary>
    public void Write(IAnsiConsole console)
    {
        var table = Tables.New(["conversations a day", .. Heads, "published"]);
        foreach (var row in Rows)
        {
            table.AddRow([new Text(row.Name, row.Of is null ? new Style(decoration: Decoration.Bold) : Style.Plain), .. Cells(row).Select(cell => new Text(cell))]);
        }

        console.Write(table);
        console.WriteLine(Peak);
        foreach (var (source, index) in PlanSource.All.Select((source, index) => (source, index)))
        {
            console.WriteLine($"[{index + 1}] {source.Text} {source.Address}");
        }
    }

    /// <summary>The same for a page.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        Line(["conversations a day", .. Heads, "published"]);
        Line(["---", .. Heads.Select(_ => "---:"), "---"]);
        foreach (var row in Rows)
        {
            Line([row.Of is null ? $"**{row.Name}**" : row.Name, .. Cells(row)]);
        }

        text.Append(CultureInfo.InvariantCulture, $"\n{Peak}\n\n");
        foreach (var (source, index) in PlanSource.All.Select((source, index) => (source, index)))
        {
            text.Append(CultureInfo.InvariantCulture, $"{index + 1}. {source.Text} <{source.Address}>\n");
        }

        return text.ToString();

        void Line(string[] cells) => text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
    }

    private IEnumerable<string> Heads => plans.Select(plan => Count(plan.Conversations));

    private IEnumerable<string> Cells(PlanRow row) => [.. plans.Select(plan => row.Of?.Invoke(plan) ?? ""), Published(row)];

    private static string Published(PlanRow row) =>
        string.Join(' ', [.. row.Limit is { Length: > 0 } ? [row.Limit] : Array.Empty<string>(), .. row.Sources.Select(source => $"[{PlanSource.NumberOf(source)}]")]);

    private static string Scheduler(AzurePlan plan) => plan switch
    {
        { CapacityUnits: > PublishedLimits.MostUnits } => $"more than {PublishedLimits.MostUnits} capacity units",
        { FitsConsumption: true } => $"Consumption, or {Count(plan.CapacityUnits)} of Dedicated",
        _ => $"{Count(plan.CapacityUnits)} of Dedicated",
    };

    private static string Storage(AzurePlan plan) =>
        !plan.FitsStorage ? "more than an account" : plan.Partitions <= AppFigures.Partitions ? "an account" : $"an account, {Count(plan.Partitions)} queues";

    private static string Units(AzurePlan plan) => plan.Units switch
    {
        null => "more than a service",
        > PublishedLimits.MostStandardUnits and { } units => $"{Count(units)} units of Premium_P2",
        1 => "1 unit",
        { } units => $"{Count(units)} units",
    };

    private static string Instances(AzurePlan plan) => plan.Instances switch
    {
        1 => "1 instance",
        > PublishedLimits.MostInstances => $"{Count(plan.Instances)} instances, more than there are",
        _ => $"{Count(plan.Instances)} instances",
    };

    private static string Quotas(int quotas) => quotas == 1 ? "1 quota" : $"{Count(quotas)} quotas";

    /// <summary>Three digits are enough of an estimate.</summary>
    private static string Count(double amount)
    {
        var whole = amount is 0 ? 0 : Math.Floor(Math.Log10(amount));
        var step = Math.Pow(10, whole - 2);
        var rounded = amount is 0 ? 0 : Math.Round(amount / step, MidpointRounding.AwayFromZero) * step;
        return rounded.ToString(whole >= 2 ? "N0" : whole == 1 ? "#,0.#" : "0.##", CultureInfo.InvariantCulture);
    }

    /// <param name="Name">What is counted; a heading where nothing is.</param>
    /// <param name="Of">What a plan has of it.</param>
    /// <param name="Limit">What is published of it.</param>
    /// <param name="Sources">Where.</param>
    private sealed record PlanRow(string Name, Func<AzurePlan, string>? Of = null, string? Limit = null, params string[] Sources);
}
