namespace Cosmo.Local.Runtime.Durable.Orchestrations;

/// <summary>Orchestrations that wait for their next step. When there are too many, those that waited longest are forgotten.</summary>
internal sealed class OrchestrationCache(int capacity)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<long, LinkedListNode<LiveOrchestration>> _byId = [];
    private readonly LinkedList<LiveOrchestration> _newestFirst = [];

    /// <summary>Removes an orchestration, so that one step at a time has it; null if it is not here.</summary>
    public LiveOrchestration? Take(long executionId)
    {
        lock (_lock)
        {
            if (!_byId.Remove(executionId, out var node))
            {
                return null;
            }

            _newestFirst.Remove(node);
            return node.Value;
        }
    }

    public void Put(LiveOrchestration orchestration)
    {
        lock (_lock)
        {
            _byId.Add(orchestration.Execution.ExecutionId, _newestFirst.AddFirst(orchestration));
            if (_byId.Count > capacity)
            {
                _byId.Remove(_newestFirst.Last!.Value.Execution.ExecutionId);
                _newestFirst.RemoveLast();
            }
        }
    }
}
