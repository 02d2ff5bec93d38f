using Cosmo.Functions.Access;
using Cosmo.Functions.Assistants.Responses;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Assistants;

/// <summary>The model behind the conversations.</summary>
internal interface IAssistant
{
    /// <summary>Makes a thread (an OpenAI conversation) and returns its id. Throws <see cref="AssistantException"/>.</summary>
    /// <param name="retrying">Is told before each wait for another try.</param>
    /// <param name="cancellationToken">Ends it.</param>
    Task<string> CreateThreadAsync(Func<Task>? retrying, CancellationToken cancellationToken);

    /// <summary>
    /// Makes one response, streamed: asks <see cref="AssistantRequest.Question"/> or gives <see cref="AssistantRequest.ToolOutputs"/>.
    /// Passing failures (429, 5xx, connection, locked conversation) are retried with back-off and jitter, <c>Retry-After</c> honoured, as long
    /// as no text was shown and <see cref="AssistantRequest.RetryUntil"/> is not reached; a response that broke off is asked for three times at most.
    /// Throws <see cref="AssistantException"/> with the true cause for every expected failure, and <see cref="OperationCanceledException"/> only for <paramref name="cancellationToken"/>.
    /// </summary>
    Task<AssistantResponse> RespondAsync(AssistantRequest request, IAssistantObserver observer, CancellationToken cancellationToken);

    /// <summary>
    /// Gives an output to every call that the thread still waits for, so that the next response is possible.
    /// Harmless when they were answered already or the thread is gone.
    /// </summary>
    Task AnswerOutstandingCallsAsync(string threadId, string output, CancellationToken cancellationToken);

    /// <summary>
    /// Keeps in the thread what a user saw of an answer that broke off, and its questions, as far as they do not stand there. Doing so again adds nothing.
    /// Answers the id of the item with the text; null if it could not be kept.
    /// </summary>
    /// <param name="threadId">The thread.</param>
    /// <param name="questions">The user's messages; none when the text follows outputs of tools.</param>
    /// <param name="text">What the user saw of the response.</param>
    /// <param name="isAnothers">Whether an item is known to be of another message's answer.</param>
    /// <param name="cancellationToken">Ends it.</param>
    Task<string?> KeepShownAsync(string threadId, IReadOnlyList<string> questions, string text, Func<string, Task<bool>> isAnothers, CancellationToken cancellationToken);

    /// <summary>Items of a thread, newest first, behind the one with a given id; null if the thread, or the item, is gone. Throws <see cref="AssistantException"/>.</summary>
    Task<ThreadPage?> ReadAsync(string threadId, string? after, CancellationToken cancellationToken);

    /// <summary>
    /// Ends a response that is made in the background, so that it neither costs any more nor locks its thread. Harmless when it is over; whoever asks does not
    /// learn whether it was.
    /// </summary>
    Task CancelResponseAsync(string responseId, CancellationToken cancellationToken);

    /// <summary>Deletes items of a thread, in the order given. Harmless when they, or the thread, are gone. Throws <see cref="AssistantException"/>.</summary>
    Task DeleteItemsAsync(string threadId, IReadOnlyList<string> itemIds, CancellationToken cancellationToken);

    /// <summary>Deletes a thread with all its items. Harmless when it is gone. Throws <see cref="AssistantException"/>.</summary>
    Task DeleteThreadAsync(string threadId, CancellationToken cancellationToken);
}

/// <summary>Hears what happens while a response is made. Calls come one after the other.</summary>
internal interface IAssistantObserver
{
    /// <summary>The response has an id; it is remembered before anything of it is shown.</summary>
    Task ResponseCreatedAsync(string responseId);

    /// <summary>Something came from the model, of whatever kind.</summary>
    void EventReceived();

    /// <summary>More text of the answer came. Must return at once.</summary>
    void TextReceived(string delta);

    /// <summary>The service failed, and will be asked again.</summary>
    Task RetryingAsync();

    /// <summary>Whether a call of a tool that may happen once only had begun, though its output never came into the thread.</summary>
    Task<bool> HasBegunAsync(string callId);
}

/// <param name="ThreadId">The conversation to respond in.</param>
/// <param name="Question">The user's message; null when tool outputs are given.</param>
/// <param name="ToolOutputs">Outputs of all the calls of the response before; empty with a question.</param>
/// <param name="Caller">Decides which tools are offered.</param>
/// <param name="Profile">Who answers; null for the built-in one.</param>
/// <param name="EarlierResponseId">
/// The id of a response that an earlier, interrupted try of this same request had begun. If OpenAI finished it, it is taken
/// (its text is reported in one piece) and nothing is asked again; if it is still being made, it is waited for.
/// </param>
/// <param name="RetryUntil">After this moment no further try is begun.</param>
/// <param name="StopAt">Until this moment a response that is being made elsewhere is waited for.</param>
internal sealed record AssistantRequest(
    string ThreadId,
    string? Question,
    IReadOnlyList<ToolOutput> ToolOutputs,
    Caller Caller,
    string? Profile,
    string? EarlierResponseId,
    DateTimeOffset RetryUntil,
    DateTimeOffset StopAt)
{
    /// <summary>More of the user's messages, which are asked together with the question, after it.</summary>
    public IReadOnlyList<string> MoreQuestions { get; init; } = [];

    /// <summary>The user's messages, in order; none when tool outputs are given.</summary>
    public IReadOnlyList<string> Questions => Question is null ? [] : [Question, .. MoreQuestions];
}

/// <param name="Id">The response's id.</param>
/// <param name="Text">All its text, each message a paragraph; empty when it only calls tools.</param>
/// <param name="ToolCalls">The calls that the model asks for; empty when the answer is whole.</param>
/// <param name="Incomplete">Why it was cut, <c>max_output_tokens</c> or <c>content_filter</c>: then it calls no tools, and may have no text. Null if it is whole.</param>
internal sealed record AssistantResponse(string Id, string Text, IReadOnlyList<ToolCall> ToolCalls, string? Incomplete = null)
{
    /// <summary>What stands between two pieces of text of one answer: an empty line.</summary>
    public const string Paragraph = "\n\n";

    /// <summary>The ids of the items in which its text stands.</summary>
    public IReadOnlyList<string> MessageIds { get; init; } = [];

    /// <summary>What it used; null where the service does not say.</summary>
    public TokenUsage? Usage { get; init; }

    public const string ContentFilter = "content_filter";
    public const string MaxOutputTokens = "max_output_tokens";
}

/// <param name="CallId">What the output must answer to (<c>call_…</c>).</param>
/// <param name="Name">The tool's name.</param>
/// <param name="Arguments">The arguments as the model wrote them; not trusted, maybe not JSON.</param>
/// <param name="NeedsApproval">A person has to say yes before it is carried out.</param>
internal sealed record ToolCall(string CallId, string Name, string Arguments, bool NeedsApproval = false);

/// <param name="CallId">The call that is answered.</param>
/// <param name="Output">The output as text.</param>
internal sealed record ToolOutput(string CallId, string Output);

/// <param name="Items">Newest first.</param>
/// <param name="HasMore">There are older ones.</param>
internal sealed record ThreadPage(IReadOnlyList<ConversationItem> Items, bool HasMore);

/// <summary>Ids of threads.</summary>
internal static class ThreadId
{
    /// <summary>
    /// Whether the id is that of an OpenAI conversation (<c>conv_…</c>). The ids of the closed Assistants API (<c>thread_…</c>) are not:
    /// nothing stands behind them any more.
    /// </summary>
    public static bool IsCurrent(string? id) => id is not null && id.StartsWith("conv_", StringComparison.Ordinal);
}
