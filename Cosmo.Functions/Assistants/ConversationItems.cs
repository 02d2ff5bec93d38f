using System.ClientModel;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Hosting;
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

    private ConversationClient Client => clients.Conversations;

    /// <summary>The ids of the newest calls that have no output yet; none if the thread is gone.</summary>
    public async Task<IReadOnlyList<string>> FindUnansweredCallsAsync(string threadId, CancellationToken cancellationToken)
    {
        var answered = new HashSet<string>();
        var unanswered = new List<string>();
        string? after = null;
        for (var page = 0; page < PagesSearched; page++)
        {
            var items = await ListAsync(threadId, "desc", after, cancellationToken);
            foreach (var item in items.Data)
            {
                // Newest first, so an output is seen before the call that it answers.
                switch (item.Type)
                {
                    case "function_call_output" when item.CallId is not null:
                        answered.Add(item.CallId);
                        break;
                    case "function_call" when item.CallId is not null && answered.Add(item.CallId):
                        unanswered.Add(item.CallId);
                        break;
                }
            }

            if (!items.HasMore || items.Data.Count == 0)
            {
                break;
            }

            after = items.Data[^1].Id;
        }

        return unanswered;
    }

    /// <summary>Gives the calls this output.</summary>
    public async Task AnswerAsync(string threadId, IEnumerable<string> callIds, string output, CancellationToken cancellationToken)
    {
        foreach (var some in callIds.Chunk(MaxAdded))
        {
            var items = new JsonObject
            {
                ["items"] = new JsonArray([.. some.Select(callId => new JsonObject
                {
                    ["type"] = "function_call_output",
                    ["call_id"] = callId,
                    ["output"] = output,
                })]),
            };
            await calls.RunAsync(
                options => Client.CreateConversationItemsAsync(threadId, BinaryContent.Create(BinaryData.FromString(items.ToJsonString())), null, options),
                cancellationToken);
        }
    }

    /// <summary>Deletes all items, if the thread is there.</summary>
    public async Task DeleteAllAsync(string threadId, CancellationToken cancellationToken)
    {
        for (var page = 0; page < MaxPagesDeleted; page++)
        {
            var items = await ListAsync(threadId, "asc", after: null, cancellationToken);
            if (items.Data.Count == 0)
            {
                return;
            }

            await Parallel.ForEachAsync(
                items.Data,
                new ParallelOptions { MaxDegreeOfParallelism = DeletedAtOnce, CancellationToken = cancellationToken },
                async (item, cancellation) => await calls.FindAsync(
                    options => Client.DeleteConversationItemAsync(threadId, item.Id, options), cancellation));
        }

        throw new AssistantException(AssistantFailure.Other, "The conversation's items could not all be deleted.");
    }

    private async Task<ItemPage> ListAsync(string threadId, string order, string? after, CancellationToken cancellationToken) =>
        await calls.FindAsync(
            async options =>
            {
                await foreach (var page in Client.GetConversationItemsAsync(threadId, PageSize, order, after, null, options).GetRawPagesAsync())
                {
                    return JsonSerializer.Deserialize<ItemPage>(page.GetRawResponse().Content, CosmoJson.Options) ?? ItemPage.Empty;
                }

                return ItemPage.Empty;
            },
            cancellationToken) ?? ItemPage.Empty;

    private sealed record ItemPage(IReadOnlyList<Item> Data, bool HasMore)
    {
        public static ItemPage Empty { get; } = new([], false);
    }

    private sealed record Item(string Id, string Type, string? CallId);
}
