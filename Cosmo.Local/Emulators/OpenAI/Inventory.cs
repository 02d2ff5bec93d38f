using System.Text.Json.Nodes;
using Cosmo.Local.Emulators.OpenAI.Wire;

namespace Cosmo.Local.Emulators.OpenAI;

/// <summary>The conversations and responses that exist, and the rules under which a response may begin.</summary>
internal sealed class Inventory(OpenAIEmulatorOptions options)
{
    private readonly RecentlyUsed<Conversation> _conversations = new(options.MaxConversations);
    private readonly RecentlyUsed<ModelResponse> _responses = new(options.MaxResponses);

    private long Now => options.TimeProvider.GetUtcNow().ToUnixTimeSeconds();

    public Conversation AddConversation(JsonObject metadata, IReadOnlyList<Item> items)
    {
        var conversation = new Conversation(Now, metadata, options.MaxItems);
        conversation.Add(items);
        _conversations.Add(conversation.Id, conversation);
        return conversation;
    }

    public Conversation Conversation(string id) =>
        _conversations.TryGet(id, out var conversation) ? conversation : throw ApiException.ConversationNotFound(id);

    public void RemoveConversation(string id)
    {
        if (!_conversations.Remove(id))
        {
            throw ApiException.ConversationNotFound(id);
        }
    }

    public ModelResponse Response(string id) =>
        _responses.TryGet(id, out var response) && !response.IsHidden ? response : throw ApiException.ResponseNotFound(id);

    public void RemoveResponse(string id)
    {
        if (!_responses.Remove(id))
        {
            throw ApiException.ResponseNotFound(id);
        }
    }

    /// <summary>Begins a response, and locks its conversation until it ends.</summary>
    public ModelResponse Begin(ResponseRequest request)
    {
        var conversation = request.ConversationId is { } id ? Conversation(id) : null;
        if (conversation?.TryOccupy() == false)
        {
            throw new ApiException(
                400,
                "Another process is currently operating on this conversation. Please retry in a few seconds.",
                "conversation",
                "conversation_locked");
        }

        try
        {
            IReadOnlyList<Item> context = [.. conversation?.Items ?? Before(request), .. request.Input];
            ToolPairing.Check(context);
            var response = new ModelResponse(request, conversation, context, Now);
            if (request.Store)
            {
                _responses.Add(response.Id, response);
            }

            return response;
        }
        catch (ApiException)
        {
            conversation?.Release([]);
            throw;
        }
    }

    /// <summary>Undoes <see cref="Begin"/> for a response that was refused after all.</summary>
    public void Withdraw(ModelResponse response)
    {
        _responses.Remove(response.Id);
        response.TryEnd(Outcome.Cancelled);
    }

    private IReadOnlyList<Item> Before(ResponseRequest request)
    {
        if (request.PreviousResponseId is not { } id)
        {
            return [];
        }

        return _responses.TryGet(id, out var previous) ? [.. previous.Context, .. previous.Outcome.Output] : throw new ApiException(
            400,
            $"Previous response with id '{id}' not found.",
            "previous_response_id",
            "previous_response_not_found");
    }
}
