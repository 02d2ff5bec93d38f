using System.Diagnostics;
using System.Globalization;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace Cosmo.Functions.Hosting.Observability;

/// <summary>
/// Samples by <c>OTEL_TRACES_SAMPLER</c> and <c>OTEL_TRACES_SAMPLER_ARG</c>, and by default everything, also what a producer has not sampled: the Durable extension in
/// the host loses the trace of what is not. Pings of the platform are left out in any case. What is left out is recorded all the same, so that <see cref="SpanRules"/> can keep what fails.
/// </summary>
internal sealed class RecordsAll(IConfiguration settings) : Sampler
{
    /// <summary>The span of the function that the platform pings every few seconds: kept if it fails.</summary>
    private const string Ping = "function GetLiveness";

    private static readonly AlwaysOffSampler Off = new();

    private readonly Sampler _inner = SamplerOf(settings);

    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters)
    {
        // A call that nobody's request or message is behind, such as the link to the host, begins no trace.
        if (samplingParameters.Kind == ActivityKind.Client && samplingParameters.ParentContext.TraceId == default)
        {
            return new SamplingResult(SamplingDecision.Drop);
        }

        var result = (samplingParameters.Name == Ping ? Off : _inner).ShouldSample(samplingParameters);
        return result.Decision == SamplingDecision.Drop ? new SamplingResult(SamplingDecision.RecordOnly) : result;
    }

    private static Sampler SamplerOf(IConfiguration settings)
    {
        var ratio = double.TryParse(settings["OTEL_TRACES_SAMPLER_ARG"], NumberStyles.Float, CultureInfo.InvariantCulture, out var given) && given is >= 0 and <= 1 ? given : 1;
        return settings["OTEL_TRACES_SAMPLER"] switch
        {
            "always_off" => new AlwaysOffSampler(),
            "traceidratio" => new TraceIdRatioBasedSampler(ratio),
            "parentbased_traceidratio" => new ParentBasedSampler(new TraceIdRatioBasedSampler(ratio)),
            "parentbased_always_on" => new ParentBasedSampler(new AlwaysOnSampler()),
            "parentbased_always_off" => new ParentBasedSampler(new AlwaysOffSampler()),
            _ => new AlwaysOnSampler(),
        };
    }
}

/// <summary>What holds for every span as it ends.</summary>
internal sealed class SpanRules : BaseProcessor<Activity>
{
    public const string Calls = "System.Net.Http";
    public const string GrpcCalls = "Grpc.Net.Client";

    public override void OnEnd(Activity data)
    {
        // A failure is exported whatever the sampler said, with the spans of this process that it happened in, and what follows in them.
        if (data.Status == ActivityStatusCode.Error)
        {
            for (var span = data; span is { Recorded: false, IsAllDataRequested: true }; span = span.Parent)
            {
                span.ActivityTraceFlags |= ActivityTraceFlags.Recorded;
            }
        }

        if (data.Source.Name == GrpcCalls && data.GetTagItem("grpc.method") is string method)
        {
            data.DisplayName = method.TrimStart('/');
        }

        // The path of a tool's request can hold what a user has asked for, and that of Web PubSub the name of a channel.
        if (data.Source.Name == Calls && data.GetTagItem("url.full") is string address && Uri.TryCreate(address, UriKind.Absolute, out var url))
        {
            data.SetTag("url.full", url.GetLeftPart(UriPartial.Authority));
        }
    }
}
