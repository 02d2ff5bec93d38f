using Cosmo.Functions.Tests.Local.Terminal;

namespace Cosmo.Functions.Tests.Infra;

/// <summary>The dashboards and alert rules ask for what the app measures. Whether the labels exist, <see cref="EndToEnd.Observability.TraceTests"/> looks at, over the wire.</summary>
public sealed class DashboardsTests
{
    [Fact]
    public void Every_metric_of_Prometheus_is_measured()
    {
        var known = Dashboards.Instruments.SelectMany(Dashboards.PrometheusNames).ToHashSet();

        Dashboards.PrometheusQueries.ShouldAllBe(query => Dashboards.MetricsOf(query).Any());
        Dashboards.PrometheusQueries.SelectMany(Dashboards.MetricsOf).Distinct().ShouldBeSubsetOf(known);
    }

    [Fact]
    public void Every_metric_of_Azure_Monitor_is_measured()
    {
        var known = Dashboards.Instruments.Select(instrument => instrument.Name).ToHashSet();

        Dashboards.AzureQueries.Where(query => query.StartsWith("customMetrics", StringComparison.Ordinal)).ShouldAllBe(query => Dashboards.AzureMetricsOf(query).Any());
        Dashboards.AzureQueries.SelectMany(Dashboards.AzureMetricsOf).Distinct().ShouldBeSubsetOf(known);
    }

    [Fact]
    public void Every_metric_has_a_unit_and_a_description_and_stands_in_the_documentation()
    {
        var page = File.ReadAllText(Path.Combine(CosmoScript.Root, "docs", "operating.md"));

        foreach (var instrument in Dashboards.Instruments)
        {
            instrument.Unit.ShouldNotBeNullOrEmpty(instrument.Name);
            instrument.Description.ShouldNotBeNullOrEmpty(instrument.Name);
            page.ShouldContain($"| `{instrument.Name}` | {(instrument.Unit == "s" ? "s" : $"`{instrument.Unit}`")} |");
        }
    }

    [Fact]
    public void Both_kinds_of_alert_rules_have_the_same_names_and_each_its_page()
    {
        Dashboards.Rules.Select(rule => (rule.Name, rule.Runbook)).ShouldBe(Dashboards.AzureRules.Select(rule => (rule.Name, rule.Runbook)));
        var pages = Directory.GetFiles(Path.Combine(CosmoScript.Root, "docs", "runbooks"), "*.md").Select(file => $"docs/runbooks/{Path.GetFileName(file)}");
        Dashboards.Rules.Select(rule => rule.Runbook).ShouldBe(pages, ignoreOrder: true);
        foreach (var (name, _, runbook) in Dashboards.Rules)
        {
            File.ReadLines(Path.Combine(CosmoScript.Root, runbook)).First().ShouldBe($"# {name}");
        }
    }
}
