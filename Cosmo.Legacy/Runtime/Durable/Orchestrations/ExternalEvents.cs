using Cosmo.Local.Runtime.Durable.History;
using Microsoft.DurableTask;

namespace Cosmo.Local.Runtime.Durable.Orchestrations;

/// <summary>
/// Brings events and those who wait for them together. Events that nobody waits for are kept, and given out in the order in which they came.
/// Of several who wait, the last to come gets the event; one whose wait was cancelled gets none.
/// </summary>
internal sealed class ExternalEvents(DataConverter converter)
{
    private readonly Dictionary<string, List<IWaiter>> _waiters = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<EventRaised> _kept = [];

    public bool HasWaiters => _waiters.Values.Any(waiters => waiters.Exists(waiter => waiter.IsWaiting));

    /// <exception cref="ArgumentException">Somebody waits for an event of this name as another type.</exception>
    public async Task<T?> WaitAsync<T>(string name, CancellationToken cancellation)
    {
        if (_kept.FindIndex(kept => kept.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is var index and >= 0)
        {
            var payload = _kept[index].Payload;
            _kept.RemoveAt(index);
            return converter.Deserialize<T>(payload);
        }

        var waiter = new Waiter<T>(converter);
        Add(name, waiter);
        using var cancelling = cancellation.Register(() => waiter.Cancel(cancellation));
        return await waiter.Event;
    }

    public void Raise(EventRaised raised)
    {
        if (_waiters.TryGetValue(raised.Name, out var waiters))
        {
            waiters.RemoveAll(waiter => !waiter.IsWaiting);
            if (waiters.Count > 0)
            {
                var waiter = waiters[^1];
                waiters.RemoveAt(waiters.Count - 1);
                waiter.Take(raised.Payload);
                return;
            }
        }

        Keep(raised);
    }

    public void Keep(EventRaised raised) => _kept.Add(raised);

    public IReadOnlyList<EventRaised> TakeKept()
    {
        var kept = _kept.ToArray();
        _kept.Clear();
        return kept;
    }

    private void Add(string name, IWaiter waiter)
    {
        if (!_waiters.TryGetValue(name, out var waiters))
        {
            _waiters.Add(name, waiters = []);
        }

        waiters.RemoveAll(other => !other.IsWaiting);
        if (waiters.Find(other => other.EventType != waiter.EventType) is { } other)
        {
            throw new ArgumentException(
                $"The event '{name}' is waited for as {other.EventType} already; it cannot be {waiter.EventType} too.", nameof(name));
        }

        waiters.Add(waiter);
    }

    private interface IWaiter
    {
        Type EventType { get; }

        bool IsWaiting { get; }

        void Take(string? payload);
    }

    private sealed class Waiter<T>(DataConverter converter) : IWaiter
    {
        private readonly TaskCompletionSource<T?> _completion = new();

        public Task<T?> Event => _completion.Task;

        public Type EventType => typeof(T);

        public bool IsWaiting => !_completion.Task.IsCompleted;

        public void Cancel(CancellationToken cancellation) => _completion.TrySetCanceled(cancellation);

        public void Take(string? payload)
        {
            T? value;
            try
            {
                value = converter.Deserialize<T>(payload);
            }
            catch (Exception error) when (error is System.Text.Json.JsonException or NotSupportedException)
            {
                _completion.SetException(error);
                return;
            }

            _completion.SetResult(value);
        }
    }
}
