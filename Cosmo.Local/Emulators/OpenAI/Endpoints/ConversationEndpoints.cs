using System.Text.Json.Nodes;
using Cosmo.Local.Emulators.OpenAI.Wire;

namespace Cosmo.Local.Emulators.OpenAI.Endpoints;

/// <summary>The Conversations API.</summary>
internal sealed class ConversationEndpoints(Inventory inventory)
{
    private const int MaxItemsAtOnce = 20;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/conversations", CreateAsync);
        routes.MapGet("/conversations/{id}", context => Json.WriteAsync(context.Response, Find(context).ToJson()));
        routes.MapPost("/conversations/{id}", UpdateAsync);
        routes.MapDelete("/conversations/{id}", DeleteAsync);
        routes.MapPost("/conversations/{id}/items", AddItemsAsync);
        routes.MapGet("/conversations/{id}/items", ListItemsAsync);
        routes.MapGet("/conversations/{id}/items/{item}", GetItemAsync);
        routes.MapDelete("/conversations/{id}/items/{item}", DeleteItemAsync);
    }

    /// <summary>The first page of a conversation's items, as the API gives it.</summary>
    public Task ListItemsAsync(HttpContext context) =>
        Json.WriteAsync(context.Response, ItemPage.Of(Find(context).Items, context.Request.Query));

    private static string Route(HttpContext context, string name) => (string)context.Request.RouteValues[name]!;

    private static IReadOnlyList<Item> ReadItems(JsonArray items) => items.Count <= MaxItemsAtOnce
        ? ItemReader.ReadAll(items, "items")
        : throw new ApiException(
            400,
            $"Invalid 'items': array too long. Expected an array with maximum length {MaxItemsAtOnce}, but got an array with length {items.Count} instead.",
            "items",
            "array_above_max_length");

    private Conversation Find(HttpContext context) => inventory.Conversation(Route(context, "id"));

    private async Task CreateAsync(HttpContext context)
    {
        var parameters = new ParameterReader(await Json.ReadObjectAsync(context.Request));
        parameters.NothingBut(new HashSet<string> { "metadata", "items" });
        var conversation = inventory.AddConversation(MetadataReader.Read(parameters), ReadItems(parameters.Array("items") ?? []));
        await Json.WriteAsync(context.Response, conversation.ToJson());
    }

    private async Task UpdateAsync(HttpContext context)
    {
        var conversation = Find(context);
        var parameters = new ParameterReader(await Json.ReadObjectAsync(context.Request));
        parameters.NothingBut(new HashSet<string> { "metadata" });
        conversation.SetMetadata(MetadataReader.Read(parameters));
        await Json.WriteAsync(context.Response, conversation.ToJson());
    }

    private Task DeleteAsync(HttpContext context)
    {
        var id = Route(context, "id");
        inventory.RemoveConversation(id);
        return Json.WriteAsync(context.Response, new JsonObject { ["id"] = id, ["object"] = "conversation.deleted", ["deleted"] = true });
    }

    private async Task AddItemsAsync(HttpContext context)
    {
        var conversation = Find(context);
        var parameters = new ParameterReader(await Json.ReadObjectAsync(context.Request));
        parameters.NothingBut(new HashSet<string> { "items" });
        var items = ReadItems(parameters.Array("items") ?? throw ApiException.Missing("items"));
        conversation.Add(items);
        await Json.WriteAsync(context.Response, ItemPage.List(items));
    }

    private Task GetItemAsync(HttpContext context)
    {
        var id = Route(context, "item");
        var item = Find(context).Items.FirstOrDefault(item => item.Id == id) ?? throw ApiException.ItemNotFound(id);
        return Json.WriteAsync(context.Response, item.ToJson());
    }

    private Task DeleteItemAsync(HttpContext context)
    {
        var conversation = Find(context);
        var id = Route(context, "item");
        return conversation.Remove(id) ? Json.WriteAsync(context.Response, conversation.ToJson()) : throw ApiException.ItemNotFound(id);
    }
}
