using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Cosmo.Functions.Tests.Infra;
using RabbitMQ.Client;

namespace Cosmo.Functions.Tests.EndToEnd.Observability;

/// <summary>What a collector gets of an answer from host and worker, over the wire.</summary>
public sealed partial class TraceTests(TraceTests.Fixture fixture) : IClassFixture<TraceTests.Fixture>, IDisposable
{
    private const string Question = "Weather in Makati for somebody@example.com?";

    private readonly CosmoStack _stack = fixture.Stack;
    private readonly OtlpCollector _collector = fixture.Collector;
    private readonly string _channel = $"channel-{Guid.NewGuid():n}";
    private readonly string _trace = Guid.NewGuid().ToString("n");
    private readonly string _producer = Guid.NewGuid().ToString("n")[..16];
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(90));

    public void Dispose() => _limit.Dispose();

    [Fact]
    public async Task A_message_over_RabbitMQ_is_one_tree_below_its_producer()
    {
        await using var client = await _stack.OpenAsync(_channel);

        await SendAsync(Question);
        await client.FinalAsync("msg-1");

        var tree = await TreeAsync(IsDone);
        ShouldBeWhole(tree, _producer);
        tree.ShouldAllBe(span => span.Service == "cosmo");
        tree.ShouldNotContain(span => span.Name == "function AnswerMessage", "A replay has no span.");
        var asked = ShouldStandOnce(tree, "Trigger", "function ReceiveMessage", "process QUEUE", "TaskHubSidecarService/StartInstance", "POST", "TaskHubSidecarService/StartInstance",
            "create_orchestration:AnswerMessage@1.0", "orchestration:AnswerMessage@(1.0)");
        var steps = Below(tree, asked).Where(span => span.Name.StartsWith("activity:", StringComparison.Ordinal) && span.Kind == 3).OrderBy(span => span.Start).ToList();
        steps.Select(span => span.Name).ShouldBe(["activity:RunAssistant@(1.0)", "activity:ExecuteTool@(1.0)", "activity:RunAssistant@(1.0)"]);
        string[] expected = ["chat MODEL", "execute_tool get_weather", "chat MODEL"];
        foreach (var (step, name) in steps.Zip(expected))
        {
            var execution = Below(tree, step).ShouldHaveSingleItem();
            var function = Below(tree, execution).ShouldHaveSingleItem();
            function.Name.ShouldBe($"function {step.Name[9..^6]}");
            var work = Below(tree, function).Where(span => NameOf(span) == name).ShouldHaveSingleItem();
            // The weather is kept for a while.
            (name != "chat MODEL" || Below(tree, work).Any(span => span.Source == "System.Net.Http" && span.Kind == 3)).ShouldBeTrue();
            Below(tree, function).ShouldContain(span => span.Attributes.GetValueOrDefault("db.system.name") == "redis");
            foreach (var send in Below(tree, function).Where(span => span.Name == "send cosmo"))
            {
                // None where it goes over a connection that is open.
                Below(tree, send).Select(span => span.Name).ShouldBeSubsetOf(["POST"]);
            }
        }

        tree.Where(span => span.Name == "send cosmo").Select(span => span.Attributes["cosmo.update.status"]).Distinct()
            .ShouldBe(["started", "processing", "responding", "in_progress", "completed"], ignoreOrder: true);
        var process = tree.Single(span => NameOf(span) == "process QUEUE");
        process.Links.ShouldBe([_trace]);
        process.Attributes["messaging.system"].ShouldBe("rabbitmq");
        process.Kind.ShouldBe(5);
    }

    [Fact]
    public async Task A_message_over_HTTP_is_one_tree()
    {
        await using var client = await _stack.OpenAsync(_channel);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"channels/{_channel}/messages") { Content = JsonContent.Create(new { message_id = "msg-1", message = Question }) };
        request.Headers.Add("traceparent", $"00-{_trace}-{_producer}-01");

        (await _stack.Http.SendAsync(request, _limit.Token)).EnsureSuccessStatusCode();
        await client.FinalAsync("msg-1");

        var tree = await TreeAsync(IsDone);
        ShouldBeWhole(tree, _producer);
        ShouldStandOnce(tree, "POST api/channels/{channel}/messages", "function SendMessage", "TaskHubSidecarService/StartInstance", "POST",
            "TaskHubSidecarService/StartInstance", "create_orchestration:AnswerMessage@1.0", "orchestration:AnswerMessage@(1.0)");
    }

    [Fact]
    public async Task A_message_from_a_browser_is_one_tree_through_the_queue()
    {
        await using var client = await _stack.OpenAsync(_channel);

        await client.SendAsync(new JsonObject { ["message_id"] = "msg-1", ["message"] = Question });
        await client.FinalAsync("msg-1");

        var publish = await SpanAsync(span => span.Source == "RabbitMQ.Client.Publisher" && _collector.Spans.Any(parent => parent.SpanId == span.ParentId && parent.Name == "function ClientEvents"));
        var tree = await TreeAsync(spans => spans.FirstOrDefault(IsOrchestration) is { } orchestration && IsBelow(spans, orchestration, publish), publish.TraceId, seconds: 0.5);
        Below(tree, publish).ShouldHaveSingleItem().Name.ShouldBe("Trigger");
        tree.Count(IsOrchestration).ShouldBe(1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_answer_whose_worker_or_host_died_stays_one_tree(bool host)
    {
        await using var client = await _stack.OpenAsync(_channel);
        await _stack.FaultAsync("""[{ "delayBeforeFirstEvent": 20000, "times": 1 }]""");

        await SendAsync(Question);
        await _stack.RequestedAsync("responses", _limit.Token);

        // What a process that dies had not exported is lost with it.
        await SpanAsync(span => span.TraceId == _trace && span.Name == "function ReceiveMessage");
        await SpanAsync(span => span.TraceId == _trace && span.Name == "create_orchestration:AnswerMessage@1.0");
        if (host)
        {
            await _stack.KillAsync();
            await _stack.StartFunctionsAsync();
        }
        else
        {
            await _stack.KillWorkerAsync();
        }

        await client.FinalAsync("msg-1", seconds: 90);

        var tree = await TreeAsync(spans => spans.Any(IsOrchestration) && spans.Count(span => NameOf(span) == "chat MODEL") == 2, seconds: 0.5);
        tree.Count(IsOrchestration).ShouldBe(1);
        tree.Count(span => span.Name == "activity:RunAssistant@(1.0)" && span is { Kind: 3, Status: 2 }).ShouldBe(host ? 0 : 1);

        // What the worker had under way is lost with it; its children that had ended hang where it was.
        var orchestration = tree.Single(IsOrchestration);
        tree.Where(span => span.Start > orchestration.Start && NameOf(span).StartsWith("activity:", StringComparison.Ordinal)).ShouldAllBe(span => IsBelow(tree, span, orchestration), Draw(tree));
        tree.Where(span => NameOf(span) is "chat MODEL" or "execute_tool get_weather").ShouldAllBe(span => IsBelow(tree, span, orchestration), Draw(tree));
        tree.Count(span => NameOf(span) == "chat MODEL").ShouldBe(2);
    }

    [Fact]
    public async Task A_ping_of_the_platform_leaves_no_trace()
    {
        var later = Guid.NewGuid().ToString("n");

        await AskAsync("health/live", _trace);
        await AskAsync("health/ready", later);

        // Each process exports in the order in which its spans end.
        await SpanAsync(span => span.TraceId == later && span.Name == "function GetReadiness");
        await SpanAsync(span => span.TraceId == later && span.Name == "GET api/health/ready");
        _collector.Spans.Where(span => span.TraceId == _trace).Select(span => span.Name).ShouldBeEmpty();

        async Task AskAsync(string address, string trace)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            request.Headers.Add("traceparent", $"00-{trace}-{_producer}-01");
            (await _stack.Http.SendAsync(request, _limit.Token)).EnsureSuccessStatusCode();
        }
    }

    [Fact]
    public async Task A_model_says_of_itself_what_the_conventions_ask()
    {
        await using var client = await _stack.OpenAsync(_channel);

        await SendAsync("Hello");
        await client.FinalAsync("msg-1");

        var chat = await SpanAsync(span => span.TraceId == _trace && NameOf(span) == "chat MODEL");
        chat.Kind.ShouldBe(3);
        chat.Attributes.Keys.ShouldBe(
            [
                "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.request.stream", "gen_ai.conversation.id", "gen_ai.response.id", "gen_ai.response.model",
                "gen_ai.response.finish_reasons", "gen_ai.response.time_to_first_chunk", "gen_ai.usage.input_tokens", "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.output_tokens", "cosmo.time_to_first_text",
            ],
            ignoreOrder: true);
    }

    [Fact]
    public async Task A_failed_answer_says_so_in_one_tree_though_its_producer_is_not_sampled()
    {
        await using var client = await _stack.OpenAsync(_channel);
        await _stack.FaultAsync("""[{ "status": 400, "times": 1 }]""");

        await SendAsync("Hello", sampled: false);
        await client.FinalAsync("msg-1");

        var tree = await TreeAsync(IsDone);
        ShouldBeWhole(tree, _producer);
        tree.Where(span => span.Source != "System.Net.Http" && span.Status == 2).Select(NameOf).ShouldBe(["chat MODEL", "function RunAssistant", "function FailAnswer"], ignoreOrder: true);
        tree.Single(span => span.Name == "function FailAnswer").Attributes["error.type"].ShouldBe("invalid_request");
    }

    [Fact]
    public async Task Logs_belong_to_spans_and_nothing_holds_what_was_said()
    {
        await using var client = await _stack.OpenAsync(_channel);

        await SendAsync(Question);
        var final = await client.FinalAsync("msg-1");
        var tree = await TreeAsync(IsDone);
        await _collector.UntilAsync(seen => seen.Logs.Any(line => line.TraceId == _trace && line.Text.Contains("is answered", StringComparison.Ordinal)), _limit.Token);

        var line = _collector.Logs.First(line => line.TraceId == _trace && line.Text.Contains("is answered", StringComparison.Ordinal));
        (await SpanAsync(span => span.SpanId == line.SpanId)).Name.ShouldBe("function RunAssistant");
        await _stack.WroteAsync("Message msg-1 is answered", _limit.Token);
        _collector.Holds("are there, with their dead-letter twins").ShouldBeTrue("A line of the start is there, too.");
        _collector.Holds("somebody@example.com").ShouldBeFalse();
        _collector.Holds("Makati").ShouldBeFalse();
        _collector.Holds(final["message"]!.GetValue<string>()[..20]).ShouldBeFalse();
        _collector.Holds(_stack.Keys.MasterKey).ShouldBeFalse();
        var called = tree.Select(span => span.Attributes.GetValueOrDefault("url.full")).OfType<string>().ToList();
        called.ShouldNotBeEmpty();
        called.ShouldAllBe(address => new Uri(address).PathAndQuery == "/");
    }

    [Fact]
    public async Task Metrics_have_units_exemplars_the_labels_of_the_dashboards_and_no_names_of_channels()
    {
        await using var client = await _stack.OpenAsync(_channel);
        await _stack.FaultWebPubSubAsync("""{ "send": { "status": 503 } }""");
        await SendAsync(Question);
        await _collector.UntilAsync(seen => Has(seen, "messaging.client.sent.messages", "error_type"), _limit.Token);
        await _stack.FaultWebPubSubAsync("{}");
        await client.FinalAsync("msg-1");
        await _stack.FaultAsync("""[{ "status": 400, "times": 1 }]""");
        await _stack.Queue.SendAsync(_channel, "msg-2", "Hello");
        await client.FinalAsync("msg-2");

        await _collector.UntilAsync(seen => Dashboards.Labels().All(label => Has(seen, label.Instrument, label.Label)), _limit.Token)
            .ContinueWith(_ => Dashboards.Labels().Distinct().Where(label => !Has(_collector, label.Instrument, label.Label)).ShouldBeEmpty(), TaskScheduler.Default);
        var metrics = _collector.Metrics.ToDictionary(metric => metric.Key.Name, metric => metric.Value);
        metrics.Values.ShouldAllBe(metric => metric.Unit.Length > 0);
        metrics["gen_ai.client.operation.duration"].Histogram.DataPoints.ShouldContain(point => point.Exemplars.Any(exemplar => exemplar.TraceId.Length == 16));
        foreach (var metric in metrics.Values)
        {
            metric.ToString().ShouldNotContain("channel-");
        }
    }

    private static bool Has(OtlpCollector seen, string instrument, string label) =>
        seen.Metrics.GetValueOrDefault(("cosmo", instrument)) is { } metric
        && new[] { metric.Sum?.DataPoints, metric.Gauge?.DataPoints }.OfType<IEnumerable<Otlp.NumberPoint>>().SelectMany(points => points).Select(point => point.Attributes)
            .Concat((metric.Histogram?.DataPoints ?? []).Select(point => point.Attributes))
            .Any(attributes => attributes.Any(attribute => attribute.Key.Replace('.', '_') == label));

    private static bool IsOrchestration(SeenSpan span) => span.Name == "orchestration:AnswerMessage@(1.0)";

    /// <summary>Host and worker export by themselves: the orchestration may be there before what the last activity did.</summary>
    private static bool IsDone(IReadOnlyList<SeenSpan> spans) =>
        spans.Any(IsOrchestration) && spans.Where(span => span.Source == "DurableTask.Core" && span.Name.StartsWith("activity:", StringComparison.Ordinal) && span.Kind == 2).All(span => Below(spans, span).Any());

    private static IEnumerable<SeenSpan> Below(IEnumerable<SeenSpan> tree, SeenSpan parent) => tree.Where(span => span.ParentId == parent.SpanId);

    private static bool IsBelow(IReadOnlyList<SeenSpan> tree, SeenSpan span, SeenSpan top) =>
        span.ParentId == top.SpanId || (tree.FirstOrDefault(parent => parent.SpanId == span.ParentId) is { } parent && IsBelow(tree, parent, top));

    /// <summary>The span's name without what differs from run to run.</summary>
    private static string NameOf(SeenSpan span) => Varying().Replace(span.Name, match => match.Groups[1].Value + (match.Groups[1].Value == "chat " ? "MODEL" : "QUEUE"));

    /// <summary>Each span has its parent in the tree, but for one, whose parent is this, and none stands there twice.</summary>
    private static void ShouldBeWhole(IReadOnlyList<SeenSpan> tree, string parent)
    {
        var ids = tree.Select(span => span.SpanId).ToHashSet();
        ids.Count.ShouldBe(tree.Count);
        tree.Where(span => !ids.Contains(span.ParentId)).Select(span => $"{span.Name} below {span.ParentId}").ShouldHaveSingleItem(Draw(tree)).ShouldEndWith($" below {parent}");
    }

    /// <summary>One below the other, from the root on. Answers the last.</summary>
    private static SeenSpan ShouldStandOnce(IReadOnlyList<SeenSpan> tree, params string[] names)
    {
        var ids = tree.Select(span => span.SpanId).ToHashSet();
        var found = tree.Single(span => !ids.Contains(span.ParentId));
        NameOf(found).ShouldBe(names[0]);
        foreach (var name in names[1..])
        {
            found = Below(tree, found).Where(span => NameOf(span) == name).ShouldHaveSingleItem($"{name} in\n{Draw(tree)}");
        }

        return found;
    }

    private static string Draw(IReadOnlyList<SeenSpan> tree)
    {
        var text = new StringBuilder();
        var ids = tree.Select(span => span.SpanId).ToHashSet();
        foreach (var root in tree.Where(span => !ids.Contains(span.ParentId)))
        {
            Write(root, 0);
        }

        return text.ToString();

        void Write(SeenSpan span, int depth)
        {
            text.Append(' ', depth * 2).AppendLine($"{span.Name} ({span.Source} k{span.Kind} s{span.Status})");
            foreach (var child in Below(tree, span).OrderBy(child => child.Start))
            {
                Write(child, depth + 1);
            }
        }
    }

    private Task SendAsync(string message, bool sampled = true) => _stack.Queue.SendAsync(
        JsonSerializer.SerializeToUtf8Bytes(new { channel = _channel, message_id = "msg-1", message }),
        new BasicProperties { Headers = new Dictionary<string, object?> { ["traceparent"] = $"00-{_trace}-{_producer}-{(sampled ? "01" : "00")}" } });

    private async Task<SeenSpan> SpanAsync(Func<SeenSpan, bool> isIt)
    {
        await _collector.UntilAsync(seen => seen.Spans.Any(isIt), _limit.Token);
        return _collector.Spans.First(isIt);
    }

    /// <summary>The trace, once it holds what is asked for and has had time to become whole: what is exported last came before.</summary>
    private async Task<IReadOnlyList<SeenSpan>> TreeAsync(Func<IReadOnlyList<SeenSpan>, bool> isThere, string? trace = null, double seconds = 15)
    {
        IReadOnlyList<SeenSpan> Spans() => [.. _collector.Spans.Where(span => span.TraceId == (trace ?? _trace))];

        await _collector.UntilAsync(_ => isThere(Spans()), _limit.Token);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        var spans = Spans();
        while (!patience.IsCancellationRequested && spans.Count(span => spans.All(parent => parent.SpanId != span.ParentId)) > 1)
        {
            await Task.Delay(50, _limit.Token);
            spans = Spans();
        }

        return spans;
    }

    [GeneratedRegex("^(process |chat )\\S+$")]
    private static partial Regex Varying();

    public sealed class Fixture : IAsyncLifetime
    {
        internal OtlpCollector Collector { get; private set; } = null!;

        internal CosmoStack Stack { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Collector = await OtlpCollector.StartAsync();
            Stack = await CosmoStack.StartAsync(Collector.Settings, inOwnProcess: true);
        }

        public async ValueTask DisposeAsync()
        {
            await Stack.DisposeAsync();
            await Collector.DisposeAsync();
        }
    }
}
