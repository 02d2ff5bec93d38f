using Cosmo.Local.Durable.Storage;

namespace Cosmo.Local.Durable;

/// <summary>
/// Instances whose history is still in memory from their last step, up to a number of characters; the ones that had theirs longest ago go first.
/// One that is worked on is not among them: if its step is not carried out, its history is read again.
/// </summary>
internal sealed class LiveInstances(int mostCharacters)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<long, LinkedListNode<LiveInstance>> _nodes = [];
    private readonly LinkedList<LiveInstance> _oldestFirst = new();
    private long _characters;

    public LiveInstance? Take(long id)
    {
        lock (_lock)
        {
            if (!_nodes.TryGetValue(id, out var node))
            {
                return null;
            }

            Remove(node);
            return node.Value;
        }
    }

    public void Put(LiveInstance instance)
    {
        lock (_lock)
        {
            _nodes[instance.Locked.Id] = _oldestFirst.AddLast(instance);
            _characters += instance.Locked.HistoryLength;
            while (_characters > mostCharacters)
            {
                Remove(_oldestFirst.First!);
            }
        }
    }

    private void Remove(LinkedListNode<LiveInstance> node)
    {
        _nodes.Remove(node.Value.Locked.Id);
        _oldestFirst.Remove(node);
        _characters -= node.Value.Locked.HistoryLength;
    }
}
