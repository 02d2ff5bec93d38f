namespace Cosmo.Local.Emulators.OpenAI.Controls;

/// <summary>The newest requests, oldest first. Safe for many threads.</summary>
internal sealed class RequestLog(int capacity, TimeProvider clock)
{
    private readonly Lock _lock = new();
    private readonly Queue<LoggedRequest> _requests = [];
    private long _number;
    private long _aborted;

    /// <summary>How many requests were broken off by their client since the start.</summary>
    public long Aborted => Interlocked.Read(ref _aborted);

    public IReadOnlyList<LoggedRequest> Requests
    {
        get
        {
            lock (_lock)
            {
                return [.. _requests];
            }
        }
    }

    public LoggedRequest Begin(HttpRequest request)
    {
        lock (_lock)
        {
            var logged = new LoggedRequest
            {
                Number = ++_number,
                Method = request.Method,
                Path = request.Path,
                StartedAt = clock.GetUtcNow(),
            };
            _requests.Enqueue(logged);
            if (_requests.Count > capacity)
            {
                _requests.Dequeue();
            }

            return logged;
        }
    }

    public void End(LoggedRequest request, int status, bool aborted)
    {
        // The end comes last: who sees it sees the rest, too.
        if (aborted)
        {
            Interlocked.Increment(ref _aborted);
        }

        request.Status = status;
        request.Aborted = aborted;
        request.EndedAt = clock.GetUtcNow();
    }
}
