using System.Diagnostics.CodeAnalysis;

namespace Cosmo.Local.Emulators.OpenAI;

/// <summary>A dictionary that holds at most <paramref name="capacity"/> values and forgets the longest unused. Safe for many threads.</summary>
internal sealed class RecentlyUsed<T>(int capacity)
    where T : class
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<(string Id, T Value)>> _nodes = [];
    private readonly LinkedList<(string Id, T Value)> _order = [];

    public void Add(string id, T value)
    {
        lock (_lock)
        {
            _nodes[id] = _order.AddLast((id, value));
            if (_nodes.Count > capacity)
            {
                _nodes.Remove(_order.First!.Value.Id);
                _order.RemoveFirst();
            }
        }
    }

    public bool TryGet(string id, [NotNullWhen(true)] out T? value)
    {
        lock (_lock)
        {
            if (!_nodes.TryGetValue(id, out var node))
            {
                value = null;
                return false;
            }

            _order.Remove(node);
            _order.AddLast(node);
            value = node.Value.Value;
            return true;
        }
    }

    public bool Remove(string id)
    {
        lock (_lock)
        {
            if (!_nodes.Remove(id, out var node))
            {
                return false;
            }

            _order.Remove(node);
            return true;
        }
    }
}
