using Cosmo.Functions.Assistants;
using Cosmo.Functions.Assistants.Responses;

namespace Cosmo.Functions.Answering.History;

/// <summary>Takes a message, and all that came after it, out of its channel's conversation, so that another can be asked in its place.</summary>
internal sealed class Replacement(IAssistant assistant, MessageHistory history, ILogger<Replacement> logger)
{
    /// <summary>So many pages of the service are searched for a message; one that is older counts as none of the conversation's.</summary>
    private const int MaxPages = 50;

    /// <summary>
    /// Deletes the message's question and every item behind it. Doing so again is harmless, and goes on where a try before broke off: the oldest items go last.
    /// Nothing is deleted where the message never came into the conversation.
    /// </summary>
    /// <exception cref="AssistantException">The model's service is away.</exception>
    public async Task TakeOutAsync(string channel, string threadId, string messageId, CancellationToken cancellationToken)
    {
        var (items, messages) = await FindAsync(channel, threadId, messageId, cancellationToken);
        if (items.Count > 0)
        {
            await assistant.DeleteItemsAsync(threadId, [.. items.Select(item => item.Id!)], cancellationToken);
            logger.TakenOut(messageId, items.Count);
        }

        // Only now: by what is known of them they are found.
        await history.ForgetAsync(channel, [messageId, .. messages.Where(id => id != messageId)], [.. items.Select(ItemId)], cancellationToken);
    }

    /// <summary>The items from the message's question on, newest first, and the messages that they belong to; none if the message is not found.</summary>
    private async Task<(IReadOnlyList<ConversationItem> Items, IReadOnlyCollection<string> Messages)> FindAsync(
        string channel, string threadId, string messageId, CancellationToken cancellationToken)
    {
        var (items, messages, questions, isAsked) = (new List<ConversationItem>(), new HashSet<string>(), 0, false);
        string? after = null;
        for (var pages = 0; pages < MaxPages && await assistant.ReadAsync(threadId, after, cancellationToken) is { Items.Count: > 0 } page; pages++)
        {
            var ended = await history.FindAsync(channel, [.. page.Items.Select(ItemId)], cancellationToken);
            foreach (var item in page.Items)
            {
                string[] together = ended.GetValueOrDefault(ItemId(item)) is { } known ? [.. known.Questions.Select(question => question.MessageId)] : [];
                var at = Array.IndexOf(together, messageId);
                var isQuestion = item is { Type: ConversationItem.Message, Role: "user" };
                if (questions > 0 && (isAsked ? !isQuestion : together.Length > 0 && at < 0))
                {
                    // Of an answer before it.
                    return (items, messages);
                }

                items.Add(item);
                if (questions == 0)
                {
                    // Its own question, and those that were asked together with it after it.
                    questions = at < 0 ? 0 : together.Length - at;
                    messages.UnionWith(together);
                }

                isAsked |= isQuestion && questions > 0;
                if (isAsked && --questions == 0)
                {
                    return (items, messages);
                }
            }

            if (!page.HasMore)
            {
                break;
            }

            after = page.Items[^1].Id;
        }

        // Its question may be gone already: then what is left of its answer goes too.
        return questions > 0 ? (items, messages) : ([], []);
    }

    /// <summary>By what the history knows an item: calls by what joins them to their outputs.</summary>
    private static string ItemId(ConversationItem item) => item.Type == ConversationItem.FunctionCall && item.CallId is { } callId ? callId : item.Id!;
}
