using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Assistants.Responses;
using Cosmo.Functions.Threads;

namespace Cosmo.Functions.Answering.History;

/// <summary>
/// Reads what was said in a channel from its conversation at the model's service, newest first. Calls of tools and their outputs are no messages: the answer
/// that they led to names the tools.
/// </summary>
internal sealed class HistoryReader(IAssistant assistant, ThreadReader threads, MessageHistory history)
{
    /// <summary>So many pages of the service are read for one of ours.</summary>
    private const int MaxPages = 10;

    /// <summary>The newest messages, or those before a cursor; null if the cursor is none of this channel's.</summary>
    /// <exception cref="AssistantException">The model's service is away.</exception>
    public async Task<HistoryPage?> ReadAsync(string channel, int limit, HistoryCursor? before, CancellationToken cancellationToken)
    {
        var threadId = (await threads.ReadAsync(channel, cancellationToken)).ThreadId;
        if (!ThreadId.IsCurrent(threadId))
        {
            return HistoryPage.Empty;
        }

        var builder = new PageBuilder(limit);
        var after = before?.After;
        for (var pages = 0; pages < MaxPages; pages++)
        {
            if (await ReadItemsAsync(threadId!, after, cancellationToken) is not { } found)
            {
                return after is null || await assistant.ReadAsync(threadId!, null, cancellationToken) is null ? HistoryPage.Empty : null;
            }

            string[] known = [.. found.Items.Where(item => item.Type == ConversationItem.Message).Select(item => item.Id!), .. pages == 0 && before?.Answer is { } answer ? [answer] : Array.Empty<string>()];
            var ended = await history.FindAsync(channel, known, cancellationToken);
            if (pages == 0 && before?.Answer is { } last)
            {
                builder.Continue(last, ended.GetValueOrDefault(last), before.Questions);
            }

            foreach (var item in found.Items)
            {
                if (!builder.TryAdd(item, ended.GetValueOrDefault(item.Id!)))
                {
                    return builder.ToPage(after);
                }

                after = item.Id;
            }

            if (!found.HasMore || found.Items.Count == 0)
            {
                return builder.ToPage(null);
            }
        }

        return builder.ToPage(after);
    }

    /// <summary>Null if the conversation is gone, or has no such item.</summary>
    private async Task<ThreadPage?> ReadItemsAsync(string threadId, string? after, CancellationToken cancellationToken)
    {
        try
        {
            return await assistant.ReadAsync(threadId, after, cancellationToken);
        }
        catch (AssistantException e) when (after is not null && e.Failure == AssistantFailure.InvalidRequest)
        {
            return null;
        }
    }

    /// <summary>Puts items together, newest first: what stands between two questions is one answer. Of several attempts at a message the last one stands there.</summary>
    private sealed class PageBuilder(int limit)
    {
        private readonly List<HistoryMessage> _messages = [];
        private readonly List<string> _texts = [];
        private readonly List<string> _tools = [];
        private string? _id;
        private string? _answer;
        private EndedMessage? _ended;

        /// <summary>So many questions of the answer stand there already.</summary>
        private int _questions;

        /// <summary>The page before ended within, or just after, this answer, or among its questions.</summary>
        public void Continue(string answer, EndedMessage? ended, int questions) => (_answer, _ended, _questions) = (answer, ended, questions);

        /// <summary>False if the page is full, and the item belongs on the next one.</summary>
        public bool TryAdd(ConversationItem item, EndedMessage? ended)
        {
            switch (item)
            {
                case { Type: ConversationItem.Message, Role: "user" }:
                    EndAnswer();
                    if (_messages.Count == limit)
                    {
                        return false;
                    }

                    _questions++;
                    var asked = _ended?.Questions.ElementAtOrDefault(^_questions);
                    if (_ended is not { IsSuperseded: true } || asked?.MessageId != _ended.MessageId)
                    {
                        _messages.Add(new(item.Id!, asked?.MessageId, "user", item.Content) { CreatedAt = asked?.AskedAt });
                    }

                    if (_ended is null || _questions >= _ended.Questions.Count)
                    {
                        Forget();
                    }

                    return true;
                case { Type: ConversationItem.Message, Role: "assistant", Content.Length: > 0 }:
                    if (_questions > 0)
                    {
                        Forget();
                    }

                    if (ended is not null && _ended is not null && (ended.MessageId, ended.Attempt) != (_ended.MessageId, _ended.Attempt))
                    {
                        EndAnswer();
                        _ended = null;
                    }

                    if (_texts.Count == 0 && _messages.Count == limit)
                    {
                        return false;
                    }

                    _id ??= item.Id;
                    _texts.Insert(0, item.Content);
                    (_answer, _ended) = ended is not null && _ended is null ? (item.Id, ended) : (_answer, _ended);
                    return true;
                case { Type: ConversationItem.FunctionCall, Name: { } name } when _texts.Count > 0:
                    _tools.Remove(name);
                    _tools.Insert(0, name);
                    return true;
                default:
                    return true;
            }
        }

        /// <param name="after">The item behind which the next page begins; null if there is none.</param>
        public HistoryPage ToPage(string? after)
        {
            EndAnswer();
            return new HistoryPage(_messages) { Next = after is null ? null : new HistoryCursor(after, _answer, _questions).ToString() };
        }

        private void Forget() => (_answer, _ended, _questions) = (null, null, 0);

        private void EndAnswer()
        {
            if (_id is not null && _ended is not { IsSuperseded: true })
            {
                _messages.Add(new(_id, _ended?.MessageId, "assistant", string.Join(AssistantResponse.Paragraph, _texts))
                {
                    CreatedAt = _ended?.EndedAt,
                    Status = _ended?.Status,
                    Tools = _tools.Count > 0 ? [.. _tools] : null,
                });
            }

            _id = null;
            _texts.Clear();
            _tools.Clear();
        }
    }
}

/// <param name="Messages">Newest first.</param>
internal sealed record HistoryPage(IReadOnlyList<HistoryMessage> Messages)
{
    public static HistoryPage Empty { get; } = new([]);

    /// <summary>Where the next page begins; null on the last one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Next { get; init; }
}

/// <param name="Id">The model's item; of several, the newest.</param>
/// <param name="MessageId">Our message; a question has that of its answer.</param>
/// <param name="Role">user or assistant.</param>
internal sealed record HistoryMessage(
    string Id, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? MessageId, string Role, string Text)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? CreatedAt { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Status { get; init; }

    /// <summary>The tools that were called for it, in the order of their first calls; null for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Tools { get; init; }
}

/// <summary>Where a page begins, as a client hands it back: nothing in it is trusted.</summary>
/// <param name="After">The item behind which it does.</param>
/// <param name="Answer">The item by which the answer just after it is known; null if it is not.</param>
/// <param name="Questions">So many of that answer's questions stand behind it.</param>
internal sealed partial record HistoryCursor(string After, string? Answer, int Questions)
{
    public override string ToString() => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(
        Answer is null ? After : string.Create(CultureInfo.InvariantCulture, $"{After} {Answer} {Questions}")));

    /// <summary>Null for what is no cursor.</summary>
    public static HistoryCursor? Parse(string text)
    {
        if (text.Length > 1000 || !Base64Url.IsValid(text))
        {
            return null;
        }

        var match = Form().Match(Encoding.UTF8.GetString(Base64Url.DecodeFromChars(text)));
        return match.Success
            ? new HistoryCursor(
                match.Groups[1].Value,
                match.Groups[2].Success ? match.Groups[2].Value : null,
                match.Groups[3].Success ? int.Parse(match.Groups[3].Value, CultureInfo.InvariantCulture) : 0)
            : null;
    }

    [GeneratedRegex(@"\A([A-Za-z0-9_-]{1,256})(?: ([A-Za-z0-9_-]{1,256})(?: ([0-9]{1,4}))?)?\z")]
    private static partial Regex Form();
}
