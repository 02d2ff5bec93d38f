namespace Cosmo.Local.Durable;

/// <summary>Tells those who wait for an instance when its status changes.</summary>
internal sealed class InstanceWatch
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<TaskCompletionSource>> _waiting = new(StringComparer.Ordinal);

    /// <summary>Reads a value again after each change, until there is one.</summary>
    public async Task<T> WaitAsync<T>(string instanceId, Func<T?> read, CancellationToken cancellation)
        where T : class
    {
        while (true)
        {
            var changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Add(instanceId, changed);
            try
            {
                if (read() is { } value)
                {
                    return value;
                }

                await changed.Task.WaitAsync(cancellation);
            }
            finally
            {
                Remove(instanceId, changed);
            }
        }
    }

    public void Changed(string instanceId) => Array.ForEach(Waiting(instanceId), waiting => waiting.TrySetResult());

    /// <summary>Ends all waits: nothing will change any more.</summary>
    public void Close()
    {
        lock (_lock)
        {
            foreach (var waiting in _waiting.Values.SelectMany(waiting => waiting))
            {
                waiting.TrySetCanceled();
            }
        }
    }

    private TaskCompletionSource[] Waiting(string instanceId)
    {
        lock (_lock)
        {
            return _waiting.TryGetValue(instanceId, out var waiting) ? [.. waiting] : [];
        }
    }

    private void Add(string instanceId, TaskCompletionSource waiting)
    {
        lock (_lock)
        {
            if (!_waiting.TryGetValue(instanceId, out var others))
            {
                _waiting.Add(instanceId, others = []);
            }

            others.Add(waiting);
        }
    }

    private void Remove(string instanceId, TaskCompletionSource waiting)
    {
        lock (_lock)
        {
            if (_waiting.TryGetValue(instanceId, out var others) && others.Remove(waiting) && others.Count == 0)
            {
                _waiting.Remove(instanceId);
            }
        }
    }
}
