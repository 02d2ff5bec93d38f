using System.Diagnostics;
using Cosmo.Functions.Hosting.Observability;
using Microsoft.Extensions.Configuration;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace Cosmo.Functions.Tests.Hosting;

public sealed class SamplingTests : IDisposable
{
    private readonly ActivitySource _source = new($"test-{Guid.NewGuid():n}");
    private readonly Kept _kept = new();

    public void Dispose()
    {
        _source.Dispose();
        _kept.Dispose();
    }

    [Fact]
    public void A_failure_is_kept_with_what_it_happened_in_and_what_follows_there()
    {
        using var traces = Start("always_off");

        using (var answer = _source.StartActivity("answer"))
        {
            using (_source.StartActivity("before"))
            {
            }

            using (var call = _source.StartActivity("call"))
            {
                call.Fail("timeout");
            }

            using (_source.StartActivity("after"))
            {
            }
        }

        _kept.Names.ShouldBe(["call", "after", "answer"]);
    }

    [Fact]
    public void What_does_not_fail_is_left_out_by_the_ratio()
    {
        using var traces = Start("traceidratio", "0");

        using (_source.StartActivity("answer"))
        {
        }

        _kept.Names.ShouldBeEmpty();
    }

    [Fact]
    public void By_default_an_answer_is_kept_whose_producer_was_not_sampled()
    {
        using var traces = Start();

        using (_source.StartActivity("answer", ActivityKind.Consumer, new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.None)))
        {
        }

        _kept.Names.ShouldBe(["answer"]);
    }

    [Fact]
    public void A_call_that_nothing_is_behind_begins_no_trace()
    {
        using var traces = Start();

        using (_source.StartActivity("keep-alive", ActivityKind.Client))
        {
        }

        _kept.Names.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_ping_of_the_platform_is_kept_only_if_it_fails(bool fails)
    {
        using var traces = Start();
        var host = new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);

        using (var ping = _source.StartActivity("function GetLiveness", ActivityKind.Internal, host))
        {
            if (fails)
            {
                ping.Fail("no_consumer");
            }
        }

        _kept.Names.ShouldBe(fails ? ["function GetLiveness"] : []);
    }

    private TracerProvider Start(string? sampler = null, string? argument = null)
    {
        var settings = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["OTEL_TRACES_SAMPLER"] = sampler, ["OTEL_TRACES_SAMPLER_ARG"] = argument }).Build();
        return Sdk.CreateTracerProviderBuilder().AddSource(_source.Name).SetSampler(new RecordsAll(settings)).AddProcessor(new SpanRules())
            .AddProcessor(new SimpleActivityExportProcessor(_kept)).Build();
    }

    private sealed class Kept : BaseExporter<Activity>
    {
        public List<string> Names { get; } = [];

        public override ExportResult Export(in Batch<Activity> batch)
        {
            foreach (var span in batch)
            {
                Names.Add(span.OperationName);
            }

            return ExportResult.Success;
        }
    }
}
