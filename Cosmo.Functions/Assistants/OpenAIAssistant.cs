using System.Diagnostics;
using Cosmo.Functions.Hosting;
using OpenAI.Responses;

namespace Cosmo.Functions.Assistants;

/// <summary>The model on OpenAI's Responses and Conversations APIs, or on those of Azure OpenAI.</summary>
internal sealed class OpenAIAssistant(
    OpenAIClients clients,
    ServiceCalls calls,
    ConversationItems items,
    ResponseRequest requests,
    TimeProvider clock,
    ILogger<OpenAIAssistant> logger) : IAssistant
{
    private const string NotCarriedOut = """{"error":"This call was not carried out."}""";
    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(8);

    public async Task<string> CreateThreadAsync(CancellationToken cancellationToken)
    {
        var created = await calls.RunAsync(
            options => clients.Conversations.CreateConversationAsync(new(), options.CancellationToken), cancellationToken);
        return created.Value.Id;
    }

    public async Task<AssistantResponse> RespondAsync(AssistantRequest request, IAssistantObserver observer, CancellationToken cancellationToken)
    {
        using var span = Telemetry.Source.StartActivity($"chat {requests.Model}", ActivityKind.Client);
        span?.SetTag("gen_ai.operation.name", "chat");
        span?.SetTag("gen_ai.request.model", requests.Model);
        span?.SetTag("gen_ai.conversation.id", request.ThreadId);
        try
        {
            var response = await TakeEarlierAsync(request, observer, cancellationToken) ?? await AskAsync(request, observer, cancellationToken);
            span?.SetTag("gen_ai.response.id", response.Id);
            span?.SetTag("gen_ai.usage.input_tokens", response.Usage?.InputTokenCount);
            span?.SetTag("gen_ai.usage.output_tokens", response.Usage?.OutputTokenCount);
            return ResponseContent.Of(response)
                ?? throw new AssistantException(AssistantFailure.Incomplete, "The answer holds neither text nor tool calls.");
        }
        catch (AssistantException exception)
        {
            span?.SetTag("error.type", exception.Failure.ToString());
            span?.SetStatus(ActivityStatusCode.Error, exception.Message);
            throw;
        }
    }

    public async Task AnswerOutstandingCallsAsync(string threadId, string output, CancellationToken cancellationToken) =>
        await AnswerAsync(threadId, await items.FindUnansweredCallsAsync(threadId, cancellationToken), output, cancellationToken);

    public async Task DeleteThreadAsync(string threadId, CancellationToken cancellationToken)
    {
        if (!ThreadId.IsCurrent(threadId))
        {
            return;
        }

        await items.DeleteAllAsync(threadId, cancellationToken);
        await calls.FindAsync(options => clients.Conversations.DeleteConversationAsync(threadId, options), cancellationToken);
    }

    /// <summary>The response that an interrupted try had begun, if it became whole.</summary>
    private async Task<ResponseResult?> TakeEarlierAsync(AssistantRequest request, IAssistantObserver observer, CancellationToken cancellationToken)
    {
        if (request.EarlierResponseId is not { } id)
        {
            return null;
        }

        var (response, running) = await TakeAsync(id, request.RetryUntil, cancellationToken);
        if (running)
        {
            throw new AssistantException(AssistantFailure.Timeout, "An answer that was begun earlier did not become whole in time.");
        }

        Report(response, heard: "", observer);
        return response;
    }

    /// <summary>Asks until there is an answer, as long as nothing of one was heard.</summary>
    private async Task<ResponseResult> AskAsync(AssistantRequest request, IAssistantObserver observer, CancellationToken cancellationToken)
    {
        var repaired = false;
        var backoff = new Backoff(FirstDelay, LongestDelay, clock) { Until = request.RetryUntil };
        while (true)
        {
            var reader = new ResponseReader(observer, clock);
            var (response, fault) = await AskOnceAsync(request, reader, cancellationToken);
            if (fault is null)
            {
                return response!;
            }

            logger.TryFailed(backoff.Try, fault.Failure, fault.Message, fault.Cause);
            logger.ServiceSaid(fault.ServiceText);
            if (await TakeAfterBreakAsync(fault, reader, request, observer, cancellationToken) is { } taken)
            {
                return taken;
            }

            if (fault.UnansweredCall is { } callId && request.Question is not null && !repaired)
            {
                repaired = true;
                await RepairAsync(request.ThreadId, callId, cancellationToken);
                continue;
            }

            if (!fault.MayPass)
            {
                throw fault.ToException();
            }

            if (reader.Text.Length > 0)
            {
                throw Fault.Cut.ToException();
            }

            if (!await backoff.WaitAsync(fault.RetryAfter, cancellationToken))
            {
                throw fault.ToException();
            }
        }
    }

    private async Task<(ResponseResult? Response, Fault? Fault)> AskOnceAsync(
        AssistantRequest request, ResponseReader reader, CancellationToken cancellationToken)
    {
        try
        {
            await using var stream = await clients.Streams.CreateResponseStreamingAsync(requests.Of(request), cancellationToken);
            return await reader.ReadAsync(stream, cancellationToken);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception exception) when (Fault.Of(exception, clock.GetUtcNow()) is { } fault)
        {
            return (null, fault);
        }
    }

    /// <summary>
    /// A stream that breaks says nothing about the response: it may become whole all the same, and then asking again would ask twice.
    /// Half of the time that is left is spent on that, so that asking again stays possible.
    /// </summary>
    private async Task<ResponseResult?> TakeAfterBreakAsync(
        Fault fault, ResponseReader reader, AssistantRequest request, IAssistantObserver observer, CancellationToken cancellationToken)
    {
        if (reader.ResponseId is not { } id || fault.Failure is not (AssistantFailure.Connection or AssistantFailure.Timeout))
        {
            return null;
        }

        var now = clock.GetUtcNow();
        var (response, _) = await TakeAsync(id, now + ((request.RetryUntil - now) / 2), cancellationToken);
        Report(response, reader.Text, observer);
        return response;
    }

    /// <summary>The response if it became whole; waits while it is being made, until the given moment.</summary>
    private async Task<(ResponseResult? Response, bool Running)> TakeAsync(string id, DateTimeOffset until, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(FirstDelay, LongestDelay, clock) { Until = until };
        while (true)
        {
            var (found, fault) = await calls.TryAsync(
                options => clients.Responses.GetResponseAsync(id, options.CancellationToken), cancellationToken);
            if (found?.Value is { Status: ResponseStatus.Completed } whole)
            {
                logger.Taken(id);
                return (whole, false);
            }

            var running = found?.Value.Status is ResponseStatus.InProgress or ResponseStatus.Queued;
            if (fault is { MayPass: false } || (fault is null && !running) || !await backoff.WaitAsync(fault?.RetryAfter, cancellationToken))
            {
                return (null, running);
            }
        }
    }

    /// <summary>Lets the observer hear what it has not heard of a response that was taken whole.</summary>
    private static void Report(ResponseResult? response, string heard, IAssistantObserver observer)
    {
        if (response is null)
        {
            return;
        }

        observer.EventReceived();
        var text = ResponseContent.TextOf(response);
        if (text.Length > heard.Length && text.StartsWith(heard, StringComparison.Ordinal))
        {
            observer.TextReceived(text[heard.Length..]);
        }
    }

    /// <summary>An earlier conversation left calls without outputs: no question can be asked until they have some.</summary>
    private async Task RepairAsync(string threadId, string callId, CancellationToken cancellationToken)
    {
        var unanswered = await items.FindUnansweredCallsAsync(threadId, cancellationToken);
        string[] callIds = unanswered.Contains(callId) ? [.. unanswered] : [.. unanswered, callId];
        await AnswerAsync(threadId, callIds, NotCarriedOut, cancellationToken);
        logger.Repaired(threadId, callIds.Length);
    }

    private async Task AnswerAsync(string threadId, IReadOnlyList<string> callIds, string output, CancellationToken cancellationToken)
    {
        try
        {
            await items.AnswerAsync(threadId, callIds, output, cancellationToken);
        }
        catch (AssistantException exception) when (exception.Failure is AssistantFailure.ThreadGone or AssistantFailure.InvalidRequest)
        {
            // The thread is gone, or somebody else has answered.
        }
    }
}
