using Cosmo.Functions.Assistants.Responses;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Assistants;

/// <summary>
/// What of a response stands in its conversation. That a response is said to be whole is no proof that its question and its output stand there, and that it
/// is not is no proof that they do not: so after a break the conversation is looked at, and put right. Items are known by their ids, calls and outputs by
/// their call's.
/// </summary>
internal sealed class Standing(ConversationItems items, TimeProvider clock, ILogger<Standing> logger)
{
    private const int MaxTries = 3;

    /// <summary>Longer than this no answer waits for it.</summary>
    private static readonly TimeSpan LongestTime = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Adds what the conversation lacks of the request and its response, each item once: a try that failed may have added it, so the next looks again.
    /// If it cannot be done the answer is given all the same.
    /// </summary>
    public Task CompleteAsync(AssistantRequest request, ModelResponse response, CancellationToken cancellationToken) =>
        RepeatAsync(request.ThreadId, limit => TryCompleteAsync(request, response, limit), cancellationToken);

    /// <inheritdoc cref="IAssistant.KeepShownAsync"/>
    public async Task<string?> KeepShownAsync(
        string threadId, IReadOnlyList<string> questions, string text, Func<string, Task<bool>> isAnothers, CancellationToken cancellationToken)
    {
        string? id = null;
        await RepeatAsync(
            threadId,
            async limit =>
            {
                (id, var fault) = await TryKeepShownAsync(threadId, questions, text, isAnothers, limit);
                return fault;
            },
            cancellationToken);
        return id;
    }

    /// <summary>
    /// The response, if its output stands in the conversation: only what is whole comes there. Else null, and what stands there of it, or of its request, is
    /// taken out if the request is to be made again.
    /// </summary>
    public async Task<ModelResponse?> FindAsync(AssistantRequest request, ModelResponse known, bool isAskedAgain, CancellationToken cancellationToken)
    {
        var (newest, fault) = await items.TryFindNewestAsync(request.ThreadId, cancellationToken);
        if (fault is not null)
        {
            logger.NotPutRight(request.ThreadId, fault.Message);
            return null;
        }

        var ours = newest.Where(item => IsOf(known, item)).ToList();
        if (ours.Exists(item => item.Type is ConversationItem.Message or ConversationItem.FunctionCall) && ours.TrueForAll(item => item.Status is null or "completed"))
        {
            return known with { Items = [.. newest.TakeWhile(item => item.Role != "user" && item.Type != ConversationItem.FunctionCallOutput).Reverse()] };
        }

        ConversationItem[] strays = [.. ours, .. FindInput(request, newest, ours)];
        if (isAskedAgain && strays.Length > 0)
        {
            if (await items.TryDeleteAsync(request.ThreadId, strays, cancellationToken) is { } notDeleted)
            {
                logger.NotPutRight(request.ThreadId, notDeleted.Message);
                return null;
            }

            logger.ItemsRemoved(request.ThreadId, strays.Length);
        }

        return null;
    }

    private async Task RepeatAsync(string threadId, Func<CancellationToken, Task<Fault?>> tryOnce, CancellationToken cancellationToken)
    {
        using var limit = new TimeLimit(LongestTime, clock, cancellationToken);
        var backoff = new Backoff(FirstDelay, LongestDelay, clock) { MaxTries = MaxTries };
        try
        {
            while (await tryOnce(limit.Token) is { } fault)
            {
                if (!fault.MayPass || !await backoff.WaitAsync(fault.RetryAfter, limit.Token))
                {
                    logger.NotPutRight(threadId, fault.Message);
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            logger.NotPutRight(threadId, "It took too long.");
        }
    }

    private async Task<(string? Id, Fault? Fault)> TryKeepShownAsync(
        string threadId, IReadOnlyList<string> questions, string text, Func<string, Task<bool>> isAnothers, CancellationToken cancellationToken)
    {
        var (newest, fault) = await items.TryFindNewestAsync(threadId, cancellationToken);
        if (fault is not null)
        {
            return (null, fault);
        }

        ConversationItem[] last = [.. newest.Where(IsSaid).Take(1 + Math.Max(1, questions.Count))];
        var isKept = last is [{ Type: ConversationItem.Message, Role: not "user", Id: { } id }, var asked, ..]
            && (questions.Count == 0 ? asked.Type == ConversationItem.FunctionCallOutput : FindQuestions(last.Skip(1), questions).Count() == questions.Count)
            && last[0].Content.StartsWith(text, StringComparison.Ordinal)
            && !await isAnothers(id);
        if (isKept && last[0].Content == text)
        {
            return (last[0].Id, null);
        }

        // The service had made more of it than was seen.
        fault = isKept ? await items.TryDeleteAsync(threadId, last[..1], cancellationToken) : null;
        var isAsked = isKept || FindQuestions(last, questions).Count() == questions.Count;
        fault ??= await items.TryAddAsync(threadId, [.. isAsked ? [] : questions.Select(ConversationItem.Question), ConversationItem.Answer(text)], cancellationToken);
        if (fault is not null)
        {
            return (null, fault);
        }

        var (added, _) = await items.TryFindNewestAsync(threadId, cancellationToken);
        return (added is [{ Type: ConversationItem.Message } answer, ..] && answer.Content == text ? answer.Id : null, null);
    }

    private async Task<Fault?> TryCompleteAsync(AssistantRequest request, ModelResponse response, CancellationToken cancellationToken)
    {
        var (newest, fault) = await items.TryFindNewestAsync(request.ThreadId, cancellationToken);
        var ours = newest.Where(item => IsOf(response, item)).ToList();
        var input = FindInput(request, newest, ours).ToList();
        ConversationItem[] missing =
        [
            .. input.Count < request.Questions.Count ? request.Questions.Select(ConversationItem.Question) : [],
            .. request.ToolOutputs.Select(output => ConversationItem.Output(output.CallId, output.Output)).ExceptBy(input.Select(item => item.CallId), item => item.CallId),
        ];
        if (missing.Length > 0)
        {
            // An answer cannot stand before what it answers, nor some of its questions before the others.
            fault ??= await items.TryDeleteAsync(request.ThreadId, request.Question is null ? ours : [.. ours, .. input], cancellationToken);
            ours = [];
        }

        missing = [.. missing, .. response.Items.Where(item => IsKept(response, item) && !ours.Exists(one => IsSame(one, item)))];
        fault ??= await items.TryAddAsync(request.ThreadId, missing, cancellationToken);
        if (fault is null && missing.Length > 0)
        {
            logger.ItemsAdded(request.ThreadId, missing.Length, response.Id);
        }

        return fault;
    }

    /// <summary>What the model is to know of a response later. Of one that was cut that is what its user saw.</summary>
    private static bool IsKept(ModelResponse response, ConversationItem item) => item.Type switch
    {
        ConversationItem.Message => item.Content.Length > 0,
        ConversationItem.FunctionCall => item.CallId is not null && response.Incomplete is null,
        _ => item.Json is not null && response.Incomplete is null,
    };

    /// <summary>The request's own items that stand there: outputs by their calls, the questions just before the response's output, or at the end.</summary>
    private static IEnumerable<ConversationItem> FindInput(AssistantRequest request, IReadOnlyList<ConversationItem> newest, List<ConversationItem> ours) =>
        request.Question is not null
            ? FindQuestions(newest.Skip(ours.Count == 0 ? 0 : newest.Index().Last(entry => ours.Contains(entry.Item)).Index + 1), request.Questions)
            : newest.Where(item => item.Type == ConversationItem.FunctionCallOutput && request.ToolOutputs.Any(output => output.CallId == item.CallId));

    /// <summary>The questions that stand at the end, newest first.</summary>
    private static IEnumerable<ConversationItem> FindQuestions(IEnumerable<ConversationItem> newest, IReadOnlyList<string> questions) =>
        newest.Where(IsSaid).Zip(questions.Reverse()).TakeWhile(pair => pair.First.IsQuestion(pair.Second)).Select(pair => pair.First);

    private static bool IsSaid(ConversationItem item) => item.Type is ConversationItem.Message or ConversationItem.FunctionCall or ConversationItem.FunctionCallOutput;

    private static bool IsOf(ModelResponse response, ConversationItem item) => response.Items.Any(one => IsSame(one, item));

    private static bool IsSame(ConversationItem one, ConversationItem other) =>
        (one.Id is not null && one.Id == other.Id)
        || (one.Type == ConversationItem.FunctionCall && other.Type == ConversationItem.FunctionCall && one.CallId is not null && one.CallId == other.CallId);
}
