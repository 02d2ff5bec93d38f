using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Cosmo.Local.Runtime.Durable;

/// <summary>
/// Executions that are due for a step. One that is added while it waits is there once; one that is added while it is worked on comes
/// again afterwards. So steps of one execution never overlap, and no signal is lost.
/// </summary>
internal sealed class ReadyQueue
{
    private readonly Channel<long> _ready = Channel.CreateUnbounded<long>();
    private readonly Lock _lock = new();
    private readonly Dictionary<long, State> _states = [];

    private enum State
    {
        Waiting,
        Working,
        WorkingAndDue,
    }

    public void Add(long executionId)
    {
        lock (_lock)
        {
            if (_states.TryGetValue(executionId, out var state))
            {
                _states[executionId] = state == State.Waiting ? State.Waiting : State.WorkingAndDue;
                return;
            }

            _states.Add(executionId, State.Waiting);
        }

        _ready.Writer.TryWrite(executionId);
    }

    /// <summary>Hands out executions as they become due. Each has to be given back by <see cref="Done"/>.</summary>
    public async IAsyncEnumerable<long> TakeAllAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var executionId in _ready.Reader.ReadAllAsync(cancellation))
        {
            lock (_lock)
            {
                _states[executionId] = State.Working;
            }

            yield return executionId;
        }
    }

    public void Done(long executionId)
    {
        lock (_lock)
        {
            if (_states[executionId] == State.Working)
            {
                _states.Remove(executionId);
                return;
            }

            _states[executionId] = State.Waiting;
        }

        _ready.Writer.TryWrite(executionId);
    }
}
