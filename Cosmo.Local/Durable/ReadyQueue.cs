using System.Threading.Channels;

namespace Cosmo.Local.Durable;

/// <summary>
/// Instances that are due for a step. One that is added while it waits is there once; one that is added while it is worked on comes again
/// afterwards. So steps of one instance never overlap, and no signal is lost.
/// </summary>
internal sealed class ReadyQueue
{
    private readonly Channel<long> _ready = Channel.CreateUnbounded<long>();
    private readonly Lock _lock = new();

    /// <summary>Those that wait, or are worked on: whether anything has come for them since they were taken.</summary>
    private readonly Dictionary<long, bool> _isDue = [];

    /// <summary>To wait for one to take, not to take it.</summary>
    public ChannelReader<long> Ready => _ready.Reader;

    public void Add(long id)
    {
        lock (_lock)
        {
            if (!_isDue.TryAdd(id, true))
            {
                _isDue[id] = true;
                return;
            }
        }

        _ready.Writer.TryWrite(id);
    }

    /// <summary>Hands out the next that is due; null if there is none. It has to be given back by <see cref="Done"/>.</summary>
    public long? Take()
    {
        if (!_ready.Reader.TryRead(out var id))
        {
            return null;
        }

        lock (_lock)
        {
            _isDue[id] = false;
        }

        return id;
    }

    /// <summary>Gives back what was taken.</summary>
    /// <param name="id">Which.</param>
    /// <param name="again">Whether it is due even if nothing came for it meanwhile.</param>
    public void Done(long id, bool again)
    {
        lock (_lock)
        {
            if (!again && !_isDue[id])
            {
                _isDue.Remove(id);
                return;
            }

            _isDue[id] = true;
        }

        _ready.Writer.TryWrite(id);
    }
}

/// <summary>How long something waits that could not be done: longer from time to time, until it is done.</summary>
internal sealed class BackOff
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly Dictionary<long, TimeSpan> _pauses = [];

    public TimeSpan Next(long id)
    {
        lock (_lock)
        {
            var pause = _pauses.TryGetValue(id, out var last) ? last * 2 : First;
            pause = pause < Longest ? pause : Longest;
            _pauses[id] = pause;
            return pause;
        }
    }

    public void Clear(long id)
    {
        lock (_lock)
        {
            _pauses.Remove(id);
        }
    }
}
