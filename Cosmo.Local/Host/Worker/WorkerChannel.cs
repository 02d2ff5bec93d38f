using System.Collections.Concurrent;
using System.Threading.Channels;
using Cosmo.Local.Host.Worker.Protocol;
using Grpc.Core;
using RpcException = Grpc.Core.RpcException;

namespace Cosmo.Local.Host.Worker;

/// <summary>The stream of messages to and from one worker. A question is answered by the message with the same request id, an invocation by the one with the same invocation id.</summary>
/// <param name="workerId">The id that the worker shows when it connects; nobody else knows it.</param>
/// <param name="log">Gets the log lines of the worker's invocations, in their order.</param>
internal sealed class WorkerChannel(string workerId, Action<RpcLog> log)
{
    // As many as there are questions and running invocations, whose number the triggers bound.
    private readonly Channel<StreamingMessage> _outbox = Channel.CreateUnbounded<StreamingMessage>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ConcurrentDictionary<string, TaskCompletionSource<StreamingMessage>> _waiting = new();
    private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Exception? _reason;

    public string WorkerId => workerId;

    /// <summary>Completes when the worker has connected.</summary>
    public Task Connected => _connected.Task;

    /// <summary>Completes when the stream has ended.</summary>
    public Task Closed => _closed.Task;

    /// <summary>Carries messages until the stream ends.</summary>
    public async Task RunAsync(IAsyncStreamReader<StreamingMessage> incoming, IAsyncStreamWriter<StreamingMessage> outgoing, CancellationToken cancellationToken)
    {
        _connected.TrySetResult();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var writing = WriteAsync(outgoing, ended.Token);
        try
        {
            while (await incoming.MoveNext(ended.Token))
            {
                Take(incoming.Current);
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or RpcException)
        {
            // The worker has gone.
        }
        finally
        {
            _closed.TrySetResult();
            await ended.CancelAsync();
            await writing;
        }
    }

    /// <summary>Sends a message that is not answered.</summary>
    public void Tell(StreamingMessage message) => _outbox.Writer.TryWrite(message);

    /// <summary>Sends a question and gives its answer.</summary>
    /// <exception cref="TimeoutException">It did not come in time.</exception>
    public async Task<StreamingMessage> AskAsync(StreamingMessage question, TimeSpan limit, CancellationToken cancellationToken)
    {
        question.RequestId = Guid.NewGuid().ToString();
        var answer = Expect(question.RequestId) ?? throw _reason!;
        try
        {
            Tell(question);
            return await answer.WaitAsync(limit, cancellationToken);
        }
        finally
        {
            _waiting.TryRemove(question.RequestId, out _);
        }
    }

    /// <summary>Has a function run; the answer comes however long it takes, or fails with the worker.</summary>
    /// <param name="request">The invocation.</param>
    /// <param name="cancellationToken">Tells the function to stop.</param>
    /// <returns>Null if the worker has gone, so that nothing was sent.</returns>
    public async Task<InvocationResponse?> InvokeAsync(InvocationRequest request, CancellationToken cancellationToken)
    {
        if (Expect(request.InvocationId) is not { } answer)
        {
            return null;
        }

        try
        {
            Tell(new StreamingMessage { InvocationRequest = request });
            await using var cancellation = cancellationToken.Register(() =>
                Tell(new StreamingMessage { InvocationCancel = new InvocationCancel { InvocationId = request.InvocationId } }));
            return (await answer).InvocationResponse;
        }
        finally
        {
            _waiting.TryRemove(request.InvocationId, out _);
        }
    }

    /// <summary>Fails whatever still waits for an answer, and refuses what comes later.</summary>
    public void Fail(Exception reason)
    {
        Interlocked.CompareExchange(ref _reason, reason, null);
        _outbox.Writer.TryComplete();
        foreach (var waiting in _waiting.Values)
        {
            waiting.TrySetException(reason);
        }
    }

    /// <returns>Null if the channel has failed.</returns>
    private Task<StreamingMessage>? Expect(string id)
    {
        var answer = new TaskCompletionSource<StreamingMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_waiting.TryAdd(id, answer))
        {
            throw new InvalidOperationException($"The invocation {id} runs already.");
        }

        // Looked at after the entry is in: either this sees the reason, or Fail sees the entry.
        if (Volatile.Read(ref _reason) is null)
        {
            return answer.Task;
        }

        _waiting.TryRemove(id, out _);
        return null;
    }

    private void Take(StreamingMessage message)
    {
        if (message.ContentCase == StreamingMessage.ContentOneofCase.RpcLog)
        {
            // Like the real host: a line that names no invocation that runs is dropped.
            if (_waiting.ContainsKey(message.RpcLog.InvocationId) || message.RpcLog.LogCategory == RpcLog.Types.RpcLogCategory.System)
            {
                log(message.RpcLog);
            }

            return;
        }

        var id = message.ContentCase == StreamingMessage.ContentOneofCase.InvocationResponse ? message.InvocationResponse.InvocationId : message.RequestId;
        if (_waiting.TryGetValue(id, out var waiting))
        {
            waiting.TrySetResult(message);
        }
    }

    private async Task WriteAsync(IAsyncStreamWriter<StreamingMessage> outgoing, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var message in _outbox.Reader.ReadAllAsync(cancellationToken))
            {
                await outgoing.WriteAsync(message, cancellationToken);
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or RpcException or InvalidOperationException)
        {
            // The worker has gone; the reading side tells.
        }
    }
}
