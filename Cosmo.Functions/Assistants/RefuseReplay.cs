using System.ClientModel.Primitives;

namespace Cosmo.Functions.Assistants;

/// <summary>
/// When a stream with event ids breaks, the client sends the whole request again by itself, without end. For a response that would ask the
/// question a second time; whether to ask again is decided by <see cref="OpenAIAssistant"/>.
/// </summary>
internal sealed class RefuseReplay : PipelinePolicy
{
    public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
    {
        Refuse(message);
        ProcessNext(message, pipeline, currentIndex);
    }

    public override ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
    {
        Refuse(message);
        return ProcessNextAsync(message, pipeline, currentIndex);
    }

    private static void Refuse(PipelineMessage message)
    {
        if (message.Request.Headers.TryGetValue("Last-Event-ID", out _))
        {
            throw new StreamBrokenException();
        }
    }
}

/// <summary>A stream broke. The client takes an <see cref="IOException"/> here for one more break and tries on; this it passes on.</summary>
internal sealed class StreamBrokenException() : Exception("The stream broke off.");
