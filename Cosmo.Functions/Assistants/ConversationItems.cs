using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json;
using Cosmo.Functions.Assistants.Responses;
using OpenAI.Conversations;

namespace Cosmo.Functions.Assistants;

/// <summary>The items of conversations, for which the OpenAI package has raw calls alone.</summary>
internal sealed class ConversationItems(OpenAIClients clients, ServiceCalls calls)
{
    private const int PageSize = 100;

    /// <summary>How many of the newest pages are searched for calls without an output.</summary>
    private const int PagesSearched = 3;

    /// <summary>The service takes this many items in one request.</summary>
    private const int MaxAdded = 20;

    /// <summary>Beyond this something adds items as fast as they are deleted.</summary>
    private const int MaxPagesDeleted = 1000;

    private const int DeletedAtOnce = 8;

    private static readonly ThreadPage Nothing = new([], false);

    private ConversationClient Client => clients.Conversations;

    /// <summary>Items, newest first, behind the one with this id; null if the thread, or the item, is gone.</summary>
    public Task<ThreadPage?> ReadAsync(string threadId, string? after, CancellationToken cancellationToken) =>
        calls.FindAsync(options => ReadPageAsync(threadId, "desc", after, options), cancellationToken);

    /// <summary>The ids of the newest calls that have no output yet; none if the thread is gone.</summary>
    public async Task<IReadOnlyList<string>> FindUnansweredCallsAsync(string threadId, CancellationToken cancellationToken)
    {
        var answered = new HashSet<string>();
        var unanswered = new List<string>();
        string? after = null;
        for (var page = 0; page < PagesSearched; page++)
        {
            var items = await ListAsync(threadId, "desc", after, cancellationToken);
            foreach (var item in items.Items)
            {
                // Newest first, so an output is seen before the call that it answers.
                switch (item.Type)
                {
                    case ConversationItem.FunctionCallOutput when item.CallId is not null:
                        answered.Add(item.CallId);
                        break;
                    case ConversationItem.FunctionCall when item.CallId is not null && answered.Add(item.CallId):
                        unanswered.Add(item.CallId);
                        break;
                }
            }

            if (!items.HasMore || items.Items.Count == 0)
            {
                break;
            }

            after = items.Items[^1].Id;
        }

        return unanswered;
    }

    /// <summary>The newest items, newest first, from one try.</summary>
    public async Task<(IReadOnlyList<ConversationItem> Items, Fault? Fault)> TryFindNewestAsync(string threadId, CancellationToken cancellationToken)
    {
        var (page, fault) = await calls.TryAsync(options => ReadPageAsync(threadId, "desc", after: null, options), cancellationToken);
        return (page?.Items ?? [], fault);
    }

    /// <summary>Adds items, in one try for each twenty: one that failed may have added them all the same.</summary>
    public async Task<Fault?> TryAddAsync(string threadId, IEnumerable<ConversationItem> items, CancellationToken cancellationToken)
    {
        foreach (var some in items.Chunk(MaxAdded))
        {
            if ((await calls.TryAsync(options => AddAsync(threadId, some, options), cancellationToken)).Fault is { } fault)
            {
                return fault;
            }
        }

        return null;
    }

    /// <summary>Deletes items that are there, in one try.</summary>
    public async Task<Fault?> TryDeleteAsync(string threadId, IEnumerable<ConversationItem> items, CancellationToken cancellationToken)
    {
        foreach (var item in items)
        {
            if ((await calls.TryAsync(options => DeleteAsync(threadId, item.Id!, options), cancellationToken)).Fault is { Status: not 404 } fault)
            {
                return fault;
            }
        }

        return null;
    }

    /// <summary>Gives the calls this output.</summary>
    public async Task AnswerAsync(string threadId, IEnumerable<string> callIds, string output, CancellationToken cancellationToken)
    {
        foreach (var some in callIds.Select(callId => ConversationItem.Output(callId, output)).Chunk(MaxAdded))
        {
            await calls.RunAsync(options => AddAsync(threadId, some, options), retrying: null, cancellationToken);
        }
    }

    /// <summary>Deletes all items, if the thread is there.</summary>
    public async Task DeleteAllAsync(string threadId, CancellationToken cancellationToken)
    {
        for (var page = 0; page < MaxPagesDeleted; page++)
        {
            var items = await ListAsync(threadId, "asc", after: null, cancellationToken);
            if (items.Items.Count == 0)
            {
                return;
            }

            await DeleteAsync(threadId, [.. items.Items.Select(item => item.Id!)], cancellationToken);
        }

        throw new AssistantException(AssistantFailure.Other, "The conversation's items could not all be deleted.");
    }

    /// <summary>Deletes items, if they are there: some side by side, in the order given.</summary>
    public async Task DeleteAsync(string threadId, IEnumerable<string> itemIds, CancellationToken cancellationToken)
    {
        foreach (var some in itemIds.Chunk(DeletedAtOnce))
        {
            await Task.WhenAll(some.Select(id => calls.FindAsync(options => DeleteAsync(threadId, id, options), cancellationToken)));
        }
    }

    private async Task<ThreadPage> ListAsync(string threadId, string order, string? after, CancellationToken cancellationToken) =>
        await calls.FindAsync(options => ReadPageAsync(threadId, order, after, options), cancellationToken) ?? Nothing;

    private async Task<ThreadPage> ReadPageAsync(string threadId, string order, string? after, RequestOptions options)
    {
        await foreach (var page in Client.GetConversationItemsAsync(threadId, PageSize, order, after, null, options).GetRawPagesAsync())
        {
            var json = ServiceJson.Parse(page.GetRawResponse().Content);
            return new ThreadPage([.. json.List("data").Select(ConversationItem.Read).Where(item => item.Id is not null)], json.Member("has_more")?.ValueKind == JsonValueKind.True);
        }

        return Nothing;
    }

    private Task<ClientResult> DeleteAsync(string threadId, string itemId, RequestOptions options) =>
        Client.DeleteConversationItemAsync(threadId, itemId, options);

    private Task<ClientResult> AddAsync(string threadId, IEnumerable<ConversationItem> items, RequestOptions options) =>
        Client.CreateConversationItemsAsync(
            threadId, BinaryContent.Create(BinaryData.FromString($$"""{"items":[{{string.Join(',', items.Select(item => item.ToJson()))}}]}""")), null, options);
}
