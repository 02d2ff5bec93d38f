using System.Text.Json.Nodes;
using Cosmo.Local.Emulators.OpenAI.Wire;

namespace Cosmo.Local.Emulators.OpenAI;

/// <summary>A conversation and its items, oldest first. One response at a time may run on it. Safe for many threads.</summary>
internal sealed class Conversation(long createdAt, JsonObject metadata, int maxItems)
{
    private readonly Lock _lock = new();
    private readonly List<Item> _items = [];
    private JsonObject _metadata = metadata;
    private bool _occupied;

    public string Id { get; } = Ids.New("conv");

    public IReadOnlyList<Item> Items
    {
        get
        {
            lock (_lock)
            {
                return [.. _items];
            }
        }
    }

    /// <summary>Locks the conversation for a response; false when another one runs.</summary>
    public bool TryOccupy()
    {
        lock (_lock)
        {
            return !_occupied && (_occupied = true);
        }
    }

    /// <summary>Ends the lock and adds what the response brought.</summary>
    public void Release(IEnumerable<Item> items)
    {
        lock (_lock)
        {
            _occupied = false;
            Append(items);
        }
    }

    public void Add(IEnumerable<Item> items)
    {
        lock (_lock)
        {
            Append(items);
        }
    }

    public bool Remove(string itemId)
    {
        lock (_lock)
        {
            return _items.RemoveAll(item => item.Id == itemId) > 0;
        }
    }

    public void SetMetadata(JsonObject metadata)
    {
        lock (_lock)
        {
            _metadata = metadata;
        }
    }

    public JsonObject ToJson()
    {
        lock (_lock)
        {
            return new JsonObject { ["id"] = Id, ["object"] = "conversation", ["created_at"] = createdAt, ["metadata"] = _metadata.DeepClone() };
        }
    }

    private void Append(IEnumerable<Item> items)
    {
        _items.AddRange(items);
        if (_items.Count <= maxItems)
        {
            return;
        }

        // Cutting before a question keeps each call together with its output.
        var cut = _items.FindIndex(_items.Count - maxItems, item => item.IsUserMessage);
        _items.RemoveRange(0, cut < 0 ? _items.Count - maxItems : cut);
    }
}
