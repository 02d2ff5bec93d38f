using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Cosmo.Functions.Hosting.Observability;
using Cosmo.Functions.Tests.Local.Terminal;
using YamlDotNet.RepresentationModel;

namespace Cosmo.Functions.Tests.Infra;

/// <summary>What the files of <c>infra/dashboards/</c> ask for: the metrics, by the names under which a store keeps what the app's meter measures, and their labels.</summary>
internal static partial class Dashboards
{
    /// <summary>Labels that Prometheus makes itself.</summary>
    private static readonly string[] OfPrometheus = ["le", "job"];

    public static string Folder { get; } = Path.Combine(CosmoScript.Root, "infra", "dashboards");

    /// <summary>The instruments of the app's meter, as a listener gets to know them.</summary>
    public static IReadOnlyList<Instrument> Instruments { get; } = FindInstruments();

    /// <summary>The expressions of the Grafana dashboard and of the rules for Prometheus.</summary>
    public static IReadOnlyList<string> PrometheusQueries { get; } =
    [
        .. JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "grafana.json")))!["panels"]!.AsArray().SelectMany(panel => panel!["targets"]!.AsArray()).Select(target => Text(target!["expr"])),
        .. Rules.Select(rule => rule.Query),
    ];

    /// <summary>The queries of the workbook and of the rules for Azure Monitor.</summary>
    public static IReadOnlyList<string> AzureQueries { get; } =
    [
        .. JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "workbook.json")))!["items"]!.AsArray().Select(item => item!["content"]!["query"]).OfType<JsonNode>().Select(Text),
        .. AzureRules.Select(rule => rule.Query),
    ];

    public static IReadOnlyList<(string Name, string Query, string Runbook)> Rules
    {
        get
        {
            using var text = File.OpenText(Path.Combine(Folder, "prometheus-rules.yaml"));
            var yaml = new YamlStream();
            yaml.Load(text);
            return
            [
                .. ((YamlSequenceNode)yaml.Documents[0].RootNode["groups"]).SelectMany(group => (YamlSequenceNode)group["rules"])
                    .Select(rule => ($"{rule["alert"]}", $"{rule["expr"]}", $"{rule["annotations"]["runbook_url"]}")),
            ];
        }
    }

    public static IReadOnlyList<(string Name, string Query, string Runbook)> AzureRules =>
    [
        .. JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "azure-alerts.json")))!.AsArray().Select(rule => (Text(rule!["name"]), Text(rule["query"]), Text(rule["runbook"]))),
    ];

    /// <summary>The names in an expression of Prometheus that are metrics.</summary>
    public static IEnumerable<string> MetricsOf(string expression) => PrometheusMetric().Matches(Grouping().Replace(expression, "")).Select(match => match.Groups[1].Value).Distinct();

    /// <summary>The metrics that a query of Azure Monitor names.</summary>
    public static IEnumerable<string> AzureMetricsOf(string query) =>
        query.StartsWith("customMetrics", StringComparison.Ordinal) ? AzureMetric().Matches(Dimension().Replace(query.Split('\n')[1], "")).Select(match => match.Groups[1].Value) : [];

    /// <summary>Under which names Prometheus keeps an instrument: with its unit, and with what a counter and a histogram add (OpenTelemetry's specification, compatibility with Prometheus).</summary>
    public static IEnumerable<string> PrometheusNames(Instrument instrument)
    {
        var name = instrument.Name.Replace('.', '_') + (instrument.Unit == "s" ? "_seconds" : "");
        return instrument switch
        {
            Histogram<double> => [$"{name}_bucket", $"{name}_count", $"{name}_sum"],
            Counter<long> => [$"{name}_total"],
            _ => [name],
        };
    }

    /// <summary>Which labels of which instrument are asked for.</summary>
    public static IEnumerable<(string Instrument, string Label)> Labels()
    {
        var names = Instruments.SelectMany(instrument => PrometheusNames(instrument).Select(name => (name, instrument.Name))).ToDictionary(pair => pair.name, pair => pair.Name);
        foreach (var query in PrometheusQueries)
        {
            var grouped = Grouping().Matches(query).SelectMany(match => match.Groups[1].Value.Split(',')).Select(label => label.Trim());
            foreach (Match metric in PrometheusMetric().Matches(Grouping().Replace(query, "")))
            {
                var matched = Matcher().Matches(metric.Groups[2].Value).Select(match => match.Groups[1].Value);
                foreach (var label in grouped.Concat(matched).Except(OfPrometheus))
                {
                    yield return (names[metric.Groups[1].Value], label);
                }
            }
        }

        foreach (var query in AzureQueries)
        {
            foreach (var metric in AzureMetricsOf(query))
            {
                foreach (Match label in Dimension().Matches(query))
                {
                    yield return (metric, label.Groups[1].Value.Replace('.', '_'));
                }
            }
        }
    }

    private static List<Instrument> FindInstruments()
    {
        RuntimeHelpers.RunClassConstructor(typeof(Telemetry).TypeHandle);
        var found = new List<Instrument>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter.Name == Telemetry.Name)
            {
                found.Add(instrument);
            }
        };
        listener.Start();
        return found;
    }

    private static string Text(JsonNode? node) => node!.GetValue<string>();

    [GeneratedRegex("""\b((?:cosmo|gen_ai|messaging|db)_[a-z_]+)(\{[^}]*\})?""")]
    private static partial Regex PrometheusMetric();

    [GeneratedRegex("""([a-z_]+)\s*(?:=~|!=|=)""")]
    private static partial Regex Matcher();

    [GeneratedRegex("""by \(([a-z_, ]+)\)""")]
    private static partial Regex Grouping();

    [GeneratedRegex("\"([a-z_.]+\\.[a-z_.]+)\"")]
    private static partial Regex AzureMetric();

    [GeneratedRegex("""customDimensions\["([^"]+)"\]""")]
    private static partial Regex Dimension();
}
