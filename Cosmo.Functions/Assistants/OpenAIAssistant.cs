using System.ClientModel;
using System.ClientModel.Primitives;
using System.Diagnostics;
using Cosmo.Functions.Access;
using Cosmo.Functions.Assistants.Profiles;
using Cosmo.Functions.Assistants.Responses;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Hosting.Observability;
using Microsoft.Extensions.Options;
using OpenAI.Responses;

namespace Cosmo.Functions.Assistants;

/// <summary>The model on OpenAI's Responses and Conversations APIs, or on those of Azure OpenAI.</summary>
internal sealed class OpenAIAssistant(
    OpenAIClients clients,
    ServiceCalls calls,
    ConversationItems items,
    Standing standing,
    ResponseRequest requests,
    ProfileCatalog profiles,
    IOptions<AssistantOptions> options,
    TimeProvider clock,
    ILogger<OpenAIAssistant> logger) : IAssistant
{
    private const string NotCarriedOut = """{"error":"This call was not carried out."}""";
    private const string MayBeCarriedOut = """{"error":"It is not known whether this call was carried out. Do not repeat it; tell the user that somebody should check."}""";

    /// <summary>So often a response that broke off is asked for: each time costs what it had said.</summary>
    private const int MaxBreaks = 3;

    /// <summary>So often the stream of one response is taken up again.</summary>
    private const int MaxResumptions = 20;

    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(8);

    /// <summary>So long a response whose stream broke is waited for.</summary>
    private static readonly TimeSpan LongestTaking = TimeSpan.FromSeconds(10);

    private readonly TimeSpan _longestSilence = TimeSpan.FromSeconds(options.Value.StreamSilenceSeconds);

    public async Task<string> CreateThreadAsync(Func<Task>? retrying, CancellationToken cancellationToken)
    {
        var created = await calls.RunAsync(
            options => clients.Conversations.CreateConversationAsync(BinaryContent.Create(BinaryData.FromString("{}")), options), retrying, cancellationToken);
        return ServiceJson.Parse(created.GetRawResponse().Content).Text("id") is { Length: > 0 } id ? id : throw Fault.Unreadable.ToException();
    }

    public async Task<AssistantResponse> RespondAsync(AssistantRequest request, IAssistantObserver observer, CancellationToken cancellationToken)
    {
        var profile = profiles.Of(request.Profile);
        TagList tags = [new("gen_ai.operation.name", "chat"), new("gen_ai.provider.name", clients.Provider), new("gen_ai.request.model", profile.Model)];
        using var span = Telemetry.Source.StartActivity(ActivityKind.Client, tags: tags, name: $"chat {profile.Model}");
        span?.SetTag("gen_ai.request.stream", true).SetTag("gen_ai.conversation.id", request.ThreadId);
        var begun = clock.GetTimestamp();
        try
        {
            var (response, model) = await TakeEarlierAsync(request, profile, observer, cancellationToken) is { } earlier
                ? (earlier, profile.Model!)
                : await AskAsync(request, profile, observer, cancellationToken);
            Tell(span, response, ref tags);
            var usage = response.Tokens is var (input, cached, output) ? new TokenUsage(input, cached, output, model, 1) : null;
            if (response.Incomplete is { } reason)
            {
                await KeepCutAsync(request, response, cancellationToken);
                return new AssistantResponse(response.Id, response.Text, [], reason) { Usage = usage, MessageIds = response.MessageIds };
            }

            return response.Text.Length > 0 || response.Calls.Count > 0
                ? new AssistantResponse(response.Id, response.Text, response.Calls) { Usage = usage, MessageIds = response.MessageIds }
                : throw new AssistantException(AssistantFailure.Incomplete, "The answer holds neither text nor tool calls.");
        }
        catch (AssistantException exception)
        {
            tags.Add("error.type", exception.Failure.ToString());
            span.Fail(exception.Failure.ToString());
            throw;
        }
        catch (OperationCanceledException)
        {
            tags.Add("error.type", "cancelled");
            span?.SetTag("error.type", "cancelled");
            throw;
        }
        finally
        {
            Telemetry.ModelDuration.Record(clock.GetElapsedTime(begun).TotalSeconds, tags);
        }
    }

    /// <summary>What a response cost, in its span and in the metrics.</summary>
    private static void Tell(Activity? span, ModelResponse response, ref TagList tags)
    {
        span?.SetTag("gen_ai.response.id", response.Id);
        span?.SetTag("gen_ai.response.finish_reasons", new[] { response.Incomplete ?? (response.Calls.Count > 0 ? "tool_calls" : "stop") });
        if (response.Model is { } model)
        {
            tags.Add("gen_ai.response.model", model);
            span?.SetTag("gen_ai.response.model", model);
        }

        if (response.Tokens is var (input, cached, output))
        {
            span?.SetTag("gen_ai.usage.input_tokens", input).SetTag("gen_ai.usage.cache_read.input_tokens", cached).SetTag("gen_ai.usage.output_tokens", output);
            Telemetry.InputTokens.Add(input, tags);
            Telemetry.CachedInputTokens.Add(cached, tags);
            Telemetry.OutputTokens.Add(output, tags);
        }
    }

    public async Task AnswerOutstandingCallsAsync(string threadId, string output, CancellationToken cancellationToken) =>
        await AnswerAsync(threadId, await items.FindUnansweredCallsAsync(threadId, cancellationToken), output, cancellationToken);

    public Task<string?> KeepShownAsync(string threadId, IReadOnlyList<string> questions, string text, Func<string, Task<bool>> isAnothers, CancellationToken cancellationToken) =>
        standing.KeepShownAsync(threadId, questions, text, isAnothers, cancellationToken);

    public Task<ThreadPage?> ReadAsync(string threadId, string? after, CancellationToken cancellationToken) => items.ReadAsync(threadId, after, cancellationToken);

    public async Task CancelResponseAsync(string responseId, CancellationToken cancellationToken) =>
        await calls.TryAsync(options => clients.Responses.CancelResponseAsync(responseId, options), cancellationToken);

    public Task DeleteItemsAsync(string threadId, IReadOnlyList<string> itemIds, CancellationToken cancellationToken) => items.DeleteAsync(threadId, itemIds, cancellationToken);

    public async Task DeleteThreadAsync(string threadId, CancellationToken cancellationToken)
    {
        if (!ThreadId.IsCurrent(threadId))
        {
            return;
        }

        await items.DeleteAllAsync(threadId, cancellationToken);
        await calls.FindAsync(options => clients.Conversations.DeleteConversationAsync(threadId, options), cancellationToken);
    }

    /// <summary>The response that an interrupted try had begun, if it became whole; one that is made in the background is heard from its beginning while it does.</summary>
    private async Task<ModelResponse?> TakeEarlierAsync(
        AssistantRequest request, AssistantProfile profile, IAssistantObserver observer, CancellationToken cancellationToken)
    {
        if (request.EarlierResponseId is not { } id)
        {
            return null;
        }

        if (profile.IsBackground)
        {
            var reader = new ResponseReader(observer, clock);
            var (whole, _) = await ResumeAsync(id, reader, Fault.Cut, request, cancellationToken);
            if (whole is not null)
            {
                return await KeepTakenAsync(request, whole, new ModelResponse(id, reader.Items), reader.Text, observer, cancellationToken);
            }
        }

        var (response, output, running) = await TakeAsync(id, request.StopAt, request.RetryUntil, cancellationToken);
        return running
            ? throw new AssistantException(AssistantFailure.Timeout, "An answer that was begun earlier did not become whole in time.")
            : await KeepTakenAsync(request, Said(response, []), new ModelResponse(id, output), heard: "", observer, cancellationToken);
    }

    /// <summary>Asks until there is an answer, as long as nothing of one was heard.</summary>
    private async Task<(ModelResponse Response, string Model)> AskAsync(
        AssistantRequest request, AssistantProfile profile, IAssistantObserver observer, CancellationToken cancellationToken)
    {
        var (repaired, breaks, model, other) = (false, 0, profile.Model!, profile.FallbackModel);
        Fault? before = null;
        var backoff = new Backoff(FirstDelay, LongestDelay, clock) { Until = request.RetryUntil, Waiting = observer.RetryingAsync };
        while (true)
        {
            var reader = new ResponseReader(observer, clock);
            var (response, fault) = await AskOnceAsync(requests.Of(request, profile, model), reader, cancellationToken);
            if (reader.FirstEventAfter is { } first)
            {
                Activity.Current?.SetTag("gen_ai.response.time_to_first_chunk", first.TotalSeconds);
                Telemetry.FirstChunk.Record(
                    first.TotalSeconds, [new("gen_ai.operation.name", "chat"), new("gen_ai.provider.name", clients.Provider), new("gen_ai.request.model", model)]);
            }

            if (profile.IsBackground && fault is { IsBreak: true } && reader.ResponseId is { } begun)
            {
                (response, fault) = await ResumeAsync(begun, reader, fault, request, cancellationToken);
            }

            if (fault is null)
            {
                Report(response!, reader.Text, observer);
                return (response!, model);
            }

            logger.TryFailed(backoff.Try, fault.Failure, fault.Message, fault.Cause);
            logger.ServiceSaid(fault.ServiceText);
            if (await TakeAfterBreakAsync(fault, reader, request, observer, cancellationToken) is { } taken)
            {
                return (taken, model);
            }

            if (other is not null && fault.IsOfModel && reader.Text.Length == 0)
            {
                logger.FallsBack(model, other);
                (model, other) = (other, null);
                continue;
            }

            model = profile.Model!;
            if (fault.UnansweredCall is { } callId && request.Question is not null && !repaired)
            {
                repaired = true;
                await RepairAsync(request.ThreadId, callId, observer, cancellationToken);
                continue;
            }

            // A conversation is locked by what went wrong before.
            fault = fault is { Code: "conversation_locked" } && before is not null ? before with { RetryAfter = fault.RetryAfter } : fault;
            before = fault;
            breaks += reader.ResponseId is not null && fault.IsBreak ? 1 : 0;
            if (!fault.MayPass || reader.Text.Length > 0 || breaks == MaxBreaks || !await backoff.WaitAsync(fault.RetryAfter, cancellationToken))
            {
                throw fault.ToException();
            }
        }
    }

    private async Task<(ModelResponse? Response, Fault? Fault)> AskOnceAsync(
        CreateResponseOptions request, ResponseReader reader, CancellationToken cancellationToken)
    {
        using var body = BinaryContent.Create(request);
        return await StreamAsync(options => clients.Streams.CreateResponseAsync(body, options), reader, cancellationToken);
    }

    /// <summary>
    /// Goes on in the stream of a response that is made in the background, behind what the reader has read. Answers the fault that broke it off, if the service
    /// does not give it (any more): a few minutes after it was begun it is not streamed again.
    /// </summary>
    private async Task<(ModelResponse? Response, Fault? Fault)> ResumeAsync(
        string id, ResponseReader reader, Fault broken, AssistantRequest request, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(FirstDelay, LongestDelay, clock) { Until = request.StopAt, MaxTries = MaxResumptions };
        do
        {
            logger.Resumes(id, reader.Position);
            int? after = reader.Position > 0 ? reader.Position : null;
            var (response, fault) = await StreamAsync(
                options => clients.Streams.GetResponseAsync(id, include: null, stream: true, startingAfter: after, includeObfuscation: false, options), reader, cancellationToken);
            if (fault is null)
            {
                return (response, null);
            }

            if (!fault.IsBreak)
            {
                return (null, fault.Status is 400 or 404 ? broken : fault);
            }
        }
        while (await backoff.WaitAsync(null, cancellationToken));
        return (null, broken);
    }

    private async Task<(ModelResponse? Response, Fault? Fault)> StreamAsync(
        Func<RequestOptions, Task<ClientResult>> open, ResponseReader reader, CancellationToken cancellationToken)
    {
        using var silence = new SilenceLimit(_longestSilence, clock, cancellationToken);
        try
        {
            var options = new RequestOptions { BufferResponse = false, CancellationToken = silence.Token };
            options.SetHeader("Accept", AskForEvents.Unseen);
            using var answer = (await open(options)).GetRawResponse();
            return await reader.ReadAsync(answer, silence);
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
    /// A stream that breaks says nothing about the response: it may become whole all the same, and then asking again would ask twice. Half of the time that
    /// is left is spent on that at most, so that asking again stays possible.
    /// </summary>
    private async Task<ModelResponse?> TakeAfterBreakAsync(
        Fault fault, ResponseReader reader, AssistantRequest request, IAssistantObserver observer, CancellationToken cancellationToken)
    {
        if (reader.ResponseId is not { } id || !fault.MayPass || (reader.Text.Length > 0 && !fault.IsBreak))
        {
            return null;
        }

        ModelResponse? response = null;
        IReadOnlyList<ConversationItem> output = [];
        if (fault.IsBreak)
        {
            var now = clock.GetUtcNow();
            var left = (request.StopAt - now) / 2;
            var until = now + (left < LongestTaking ? left : LongestTaking);
            (response, output, _) = await TakeAsync(id, until, until, cancellationToken);
        }

        return await KeepTakenAsync(
            request, Said(response, reader.Whole), new ModelResponse(id, [.. reader.Items, .. output]), reader.Text, observer, cancellationToken);
    }

    /// <summary>The response, if it says something, or what was streamed whole does that it does not list.</summary>
    private static ModelResponse? Said(ModelResponse? response, IReadOnlyList<ConversationItem> streamed) =>
        response is null || response.Text.Length > 0 || response.Calls.Count > 0 || response.Incomplete is not null ? response
        : streamed.Count > 0 ? response with { Items = streamed }
        : null;

    /// <summary>
    /// The response if it came to its end, and what it lists as its output in any case; waits while it is being made, until the given moment.
    /// </summary>
    private async Task<(ModelResponse? Response, IReadOnlyList<ConversationItem> Output, bool Running)> TakeAsync(
        string id, DateTimeOffset until, DateTimeOffset triedUntil, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(FirstDelay, LongestDelay, clock) { Until = until };
        while (true)
        {
            var (found, fault) = await calls.TryAsync(options => clients.Responses.GetResponseAsync(id, null, null, null, null, options), cancellationToken);
            var json = found is null ? null : ServiceJson.Parse(found.GetRawResponse().Content);
            var running = json.Text("status") is "in_progress" or "queued";
            if (found is not null && !running)
            {
                return (ModelResponse.Read(json, json.Text("status"), id), [.. json.List("output").Select(ConversationItem.Read)], false);
            }

            if (fault is { MayPass: false } || (fault is not null && clock.GetUtcNow() >= triedUntil) || !await backoff.WaitAsync(fault?.RetryAfter, cancellationToken))
            {
                return (null, [], running);
            }
        }
    }

    /// <summary>
    /// A response that was taken after a break, or that turns out to stand in the conversation: reported, and with its items in place. Null if there is none;
    /// then nothing of it stands in the way of asking again.
    /// </summary>
    private async Task<ModelResponse?> KeepTakenAsync(
        AssistantRequest request, ModelResponse? taken, ModelResponse known, string heard, IAssistantObserver observer, CancellationToken cancellationToken)
    {
        var response = taken ?? await standing.FindAsync(request, known, isAskedAgain: heard.Length == 0, cancellationToken);
        if (response is null)
        {
            return null;
        }

        logger.Taken(response.Id);
        if (response.Incomplete is null)
        {
            await standing.CompleteAsync(request, response, cancellationToken);
        }

        observer.EventReceived();
        Report(response, heard, observer);
        return response;
    }

    /// <summary>An answer that was cut: its user saw the text, so the conversation holds it too, and no call of it waits for an output.</summary>
    private async Task KeepCutAsync(AssistantRequest request, ModelResponse response, CancellationToken cancellationToken)
    {
        if (response.Text.Length > 0 || request.Question is null)
        {
            await standing.CompleteAsync(request, response, cancellationToken);
        }

        if (response.Calls.Count > 0)
        {
            try
            {
                await AnswerOutstandingCallsAsync(request.ThreadId, NotCarriedOut, cancellationToken);
            }
            catch (AssistantException exception)
            {
                // The next question repairs it.
                logger.NotPutRight(request.ThreadId, exception.Message);
            }
        }
    }

    /// <summary>Lets the observer hear what it has not heard of a response.</summary>
    private static void Report(ModelResponse response, string heard, IAssistantObserver observer)
    {
        if (response.Text.Length > heard.Length && response.Text.StartsWith(heard, StringComparison.Ordinal))
        {
            observer.TextReceived(response.Text[heard.Length..]);
        }
    }

    /// <summary>An earlier conversation left calls without outputs: no question can be asked until they have some.</summary>
    private async Task RepairAsync(string threadId, string callId, IAssistantObserver observer, CancellationToken cancellationToken)
    {
        var unanswered = await items.FindUnansweredCallsAsync(threadId, cancellationToken);
        string[] callIds = unanswered.Contains(callId) ? [.. unanswered] : [.. unanswered, callId];
        var begun = (await Task.WhenAll(callIds.Select(observer.HasBegunAsync))).Zip(callIds).ToLookup(call => call.First, call => call.Second);
        await AnswerAsync(threadId, [.. begun[false]], NotCarriedOut, cancellationToken);
        await AnswerAsync(threadId, [.. begun[true]], MayBeCarriedOut, cancellationToken);
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
