using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Hosting.Observability;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tools;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Tools;

public sealed class ToolTelemetryTests : IDisposable
{
    private readonly string _tool = $"tool_{Guid.NewGuid():n}";
    private readonly ConcurrentQueue<(string Outcome, double Seconds)> _durations = new();
    private readonly ConcurrentQueue<Activity> _spans = new();
    private readonly MeterListener _metrics = new();
    private readonly ActivityListener _traces = new() { ShouldListenTo = source => source.Name == Telemetry.Name, Sample = (ref _) => ActivitySamplingResult.AllData };
    private readonly ManualTimeProvider _time = new();

    public ToolTelemetryTests()
    {
        _metrics.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name == "gen_ai.execute_tool.duration")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _metrics.SetMeasurementEventCallback<double>((_, seconds, tags, _) =>
        {
            var named = tags.ToArray().ToDictionary(tag => tag.Key, tag => tag.Value as string);
            if (named["gen_ai.tool.name"] == _tool)
            {
                _durations.Enqueue((named["cosmo.tool.outcome"]!, seconds));
            }
        });
        _metrics.Start();
        _traces.ActivityStopped = span =>
        {
            if (span.OperationName == $"execute_tool {_tool}")
            {
                _spans.Enqueue(span);
            }
        };
        ActivitySource.AddActivityListener(_traces);
    }

    public void Dispose()
    {
        _metrics.Dispose();
        _traces.Dispose();
    }

    [Theory]
    [InlineData("completed", ActivityStatusCode.Unset)]
    [InlineData("refused", ActivityStatusCode.Unset)]
    [InlineData("denied", ActivityStatusCode.Unset)]
    [InlineData("failed", ActivityStatusCode.Error)]
    public async Task Every_call_has_its_span_and_its_duration(string outcome, ActivityStatusCode status)
    {
        var tool = new Tool(_tool, mayUse: outcome != "denied", () =>
        {
            _time.Advance(TimeSpan.FromSeconds(2));
            return outcome switch
            {
                "completed" => new JsonObject(),
                "refused" => throw new ToolException("No."),
                _ => throw new InvalidOperationException(),
            };
        });
        var toolbox = new Toolbox([tool], Options.Create(new ToolOptions()), _time, NullLogger<Toolbox>.Instance);

        await toolbox.ExecuteAsync(_tool, "{}", Caller.Anonymous, "call_1", _ => true, TestContext.Current.CancellationToken);

        _durations.ShouldHaveSingleItem().ShouldBe((outcome, outcome == "denied" ? 0 : 2));
        var span = _spans.ShouldHaveSingleItem();
        span.GetTagItem("cosmo.tool.outcome").ShouldBe(outcome);
        span.Status.ShouldBe(status);
    }

    private sealed class Tool(string name, bool mayUse, Func<JsonNode> run) : ITool
    {
        public string Name => name;

        public string Description => "";

        public JsonNode Parameters { get; } = new JsonObject();

        public IReadOnlyList<string> Roles => mayUse ? ["anyone"] : ["auditor"];

        public Task<JsonNode> ExecuteAsync(JsonElement arguments, Caller caller, string callId, CancellationToken cancellationToken) => Task.FromResult(run());
    }
}
