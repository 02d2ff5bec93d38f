using System.Runtime.CompilerServices;

namespace Cosmo.Local.Emulators.OpenAI;

/// <summary>The events of a background response: they can be read from any point on, while they come and afterwards.</summary>
internal sealed class EventLog
{
    private readonly Lock _lock = new();
    private readonly List<StreamEvent> _events = [];
    private TaskCompletionSource _changed = NewSignal();
    private bool _ended;

    public void Add(StreamEvent streamEvent) => Change(() => _events.Add(streamEvent));

    public void End() => Change(() => _ended = true);

    /// <summary>All events from number <paramref name="index"/> on, until the end.</summary>
    public async IAsyncEnumerable<StreamEvent> ReadFromAsync(int index, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            StreamEvent? next;
            Task changed;
            lock (_lock)
            {
                if (index >= _events.Count && _ended)
                {
                    yield break;
                }

                next = index < _events.Count ? _events[index++] : null;
                changed = _changed.Task;
            }

            if (next is null)
            {
                await changed.WaitAsync(cancellationToken);
            }
            else
            {
                yield return next;
            }
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Change(Action change)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            change();
            changed = _changed;
            _changed = NewSignal();
        }

        changed.SetResult();
    }
}
