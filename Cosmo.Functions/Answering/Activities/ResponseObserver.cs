using Cosmo.Functions.Assistants;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Answering.Activities;

/// <summary>Passes on what happens while a response is made: its id to memory, its signs of life to the orchestration, its text to the client.</summary>
internal sealed class ResponseObserver(
    MessageAddress address,
    int round,
    MessageMemory memory,
    AnswerStream answer,
    Heartbeat heartbeat,
    TimeProvider clock,
    CancellationToken cancellationToken) : IAssistantObserver
{
    private readonly long _begun = clock.GetTimestamp();
    private bool _hasText;

    public Task ResponseCreatedAsync(string responseId) => memory.RememberResponseAsync(address, round, responseId, cancellationToken);

    public void EventReceived() => heartbeat.Beat();

    public void TextReceived(string delta)
    {
        if (!_hasText)
        {
            _hasText = true;
            Telemetry.FirstText.Record(clock.GetElapsedTime(_begun).TotalSeconds);
        }

        answer.Append(delta);
    }
}
