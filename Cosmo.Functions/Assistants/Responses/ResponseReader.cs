using System.ClientModel;
using System.Text;
using OpenAI.Responses;

namespace Cosmo.Functions.Assistants;

/// <summary>Reads the stream of one response up to the event that ends it.</summary>
internal sealed class ResponseReader(IAssistantObserver observer, TimeProvider clock)
{
    private readonly StringBuilder _text = new();
    private int _lastSequence = -1;

    /// <summary>The response's id, once it is known.</summary>
    public string? ResponseId { get; private set; }

    /// <summary>The text that the observer was given.</summary>
    public string Text => _text.ToString();

    /// <summary>The whole response, or why it did not become whole.</summary>
    public async Task<(ResponseResult? Response, Fault? Fault)> ReadAsync(
        AsyncStreamingResult<StreamingResponseUpdate> stream, CancellationToken cancellationToken)
    {
        await foreach (var update in stream.WithCancellation(cancellationToken))
        {
            if (IsRepeated(update))
            {
                continue;
            }

            observer.EventReceived();
            switch (update)
            {
                // A second response in one stream means that the client has asked again by itself.
                case StreamingResponseCreatedUpdate created when ResponseId is not null && ResponseId != created.Response.Id:
                    return (null, Fault.Cut);
                case StreamingResponseCreatedUpdate created when ResponseId is null && created.Response.Id is { Length: > 0 } id:
                    await observer.ResponseCreatedAsync(id);
                    ResponseId = id;
                    break;
                case StreamingResponseOutputTextDeltaUpdate { Delta.Length: > 0 } text:
                    Hear(text.Delta);
                    break;
                case StreamingResponseRefusalDeltaUpdate { Delta.Length: > 0 } refusal:
                    Hear(refusal.Delta);
                    break;
                case StreamingResponseCompletedUpdate completed:
                    return (completed.Response, null);
                case StreamingResponseIncompleteUpdate incomplete:
                    return (null, Incomplete(incomplete.Response));
                case StreamingResponseFailedUpdate failed:
                    return (null, ServiceError.InStream(
                        failed.Response.Error?.Code.ToString(), failed.Response.Error?.Message, stream.Headers, clock.GetUtcNow()));
                case StreamingResponseErrorUpdate error:
                    return (null, ServiceError.InStream(
                        error.Code ?? Nested(error, "$.error.code"u8),
                        error.Message ?? Nested(error, "$.error.message"u8),
                        stream.Headers,
                        clock.GetUtcNow()));
            }
        }

        return (null, Fault.Cut);
    }

    // Not every service numbers its events; without numbers all of them are 0.
    private bool IsRepeated(StreamingResponseUpdate update)
    {
        if (update.SequenceNumber == 0)
        {
            return false;
        }

        var repeated = update.SequenceNumber <= _lastSequence;
        _lastSequence = Math.Max(_lastSequence, update.SequenceNumber);
        return repeated;
    }

    private void Hear(string delta)
    {
        _text.Append(delta);
        observer.TextReceived(delta);
    }

    private static Fault Incomplete(ResponseResult response) =>
        response.IncompleteStatusDetails?.Reason == ResponseIncompleteStatusReason.ContentFilter
            ? new(AssistantFailure.ContentFilter, "The answer was withheld by a content filter.", MayPass: false)
            : new(AssistantFailure.Incomplete, "The answer ended before it was whole.", MayPass: false);

    private static string? Nested(StreamingResponseErrorUpdate error, ReadOnlySpan<byte> path) =>
        error.Patch.TryGetValue(path, out string? value) ? value : null;
}

/// <summary>What a response says.</summary>
internal static class ResponseContent
{
    /// <summary>The response as the other rooms see it, or null if it holds neither text nor calls.</summary>
    public static AssistantResponse? Of(ResponseResult response)
    {
        var text = TextOf(response);
        ToolCall[] calls = [.. response.OutputItems.OfType<FunctionCallResponseItem>()
            .DistinctBy(call => call.Id ?? call.CallId)
            .Select(call => new ToolCall(call.CallId, call.FunctionName, call.FunctionArguments?.ToString() ?? ""))];
        return text.Length == 0 && calls.Length == 0 ? null : new AssistantResponse(response.Id, text, calls);
    }

    /// <summary>All its text. Where the model refuses, the refusal is what it says.</summary>
    public static string TextOf(ResponseResult response) =>
        string.Concat(response.OutputItems.OfType<MessageResponseItem>().SelectMany(message => message.Content).Select(part => part.Text ?? part.Refusal));
}
