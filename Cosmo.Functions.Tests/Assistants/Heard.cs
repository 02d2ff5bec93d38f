using System.Collections.Concurrent;
using Cosmo.Functions.Assistants;

namespace Cosmo.Functions.Tests.Assistants;

/// <summary>An observer that remembers.</summary>
internal sealed class Heard : IAssistantObserver
{
    private readonly ConcurrentQueue<string> _deltas = new();
    private int _events;

    public ConcurrentQueue<string> ResponseIds { get; } = new();

    public int Deltas => _deltas.Count;

    public string Text => string.Concat(_deltas);

    public int Events => _events;

    /// <summary>How often the user was told that the service is being asked again.</summary>
    public int Retries { get; private set; }

    public bool TextCameBeforeTheId { get; private set; }

    /// <summary>The calls that had begun.</summary>
    public IReadOnlyList<string> Begun { get; init; } = [];

    public Action OnText { get; init; } = () => { };

    public Action OnCreated { get; init; } = () => { };

    /// <summary>What a further try waits for.</summary>
    public Func<Task> OnRetry { get; init; } = () => Task.CompletedTask;

    public Task ResponseCreatedAsync(string responseId)
    {
        ResponseIds.Enqueue(responseId);
        OnCreated();
        return Task.CompletedTask;
    }

    public void EventReceived() => Interlocked.Increment(ref _events);

    public void TextReceived(string delta)
    {
        TextCameBeforeTheId |= ResponseIds.IsEmpty;
        _deltas.Enqueue(delta);
        OnText();
    }

    public Task RetryingAsync()
    {
        Retries++;
        return OnRetry();
    }

    public Task<bool> HasBegunAsync(string callId) => Task.FromResult(Begun.Contains(callId));
}
