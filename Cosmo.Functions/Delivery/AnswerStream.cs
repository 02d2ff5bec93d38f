using System.Text;
using System.Threading.Channels;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Hosting.Observability;
using Cosmo.Functions.Messaging;
using StackExchange.Redis;

namespace Cosmo.Functions.Delivery;

/// <summary>
/// Sends the text of one answer while it grows. Text is coalesced, and conflated: one send is under way at a time and carries all
/// the text there is, so a slow Web PubSub costs frequency, never latency or memory. <see cref="TextPace"/> says when the next one is due.
/// </summary>
internal sealed class AnswerStream : IAsyncDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private readonly IUpdatePublisher _publisher;
    private readonly MessageAddress _address;
    private readonly string _shown;
    private readonly TextPace _pace;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly StringBuilder _text;
    private readonly Channel<bool> _grown = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, AllowSynchronousContinuations = true });
    private readonly CancellationTokenSource _stopped = new();
    private readonly CancellationTokenSource _cut = new();
    private readonly CancellationTokenSource _fenced = new();
    private readonly Task _sending;
    private long _pieces;

    /// <summary>How many characters were told.</summary>
    private int _sentLength;

    private ToldText _told;

    /// <summary>How many characters there must be for whoever waits to look.</summary>
    private int _wakeAt;

    /// <param name="before">The text that the answer already has; what comes is put behind it.</param>
    /// <param name="shown">What the client was shown of this answer before: it is not shown less of the same.</param>
    public AnswerStream(
        IUpdatePublisher publisher,
        MessageAddress address,
        string threadId,
        string before,
        string shown,
        DeliveryOptions options,
        TimeProvider clock,
        ILogger logger)
    {
        (_publisher, _address, ThreadId, _shown, _pace, _clock, _logger) = (publisher, address, threadId, shown, new TextPace(options), clock, logger);
        _text = new StringBuilder(before);
        _sentLength = before.Length;
        _sending = SendAsync();
    }

    /// <summary>Is cancelled when the message had its final update from elsewhere: what is still said is for nobody.</summary>
    public CancellationToken Fenced => _fenced.Token;

    /// <summary>The thread in which the model is asked.</summary>
    public string ThreadId { get; }

    /// <summary>When the first text came; null while none has.</summary>
    public DateTimeOffset? FirstTextAt { get; private set; }

    /// <summary>How many updates with text were recorded.</summary>
    public int Told { get; private set; }

    /// <summary>All the text so far.</summary>
    public string Text
    {
        get
        {
            lock (_text)
            {
                return _text.ToString();
            }
        }
    }

    /// <summary>Adds text. Returns at once.</summary>
    public void Append(string delta)
    {
        int length;
        lock (_text)
        {
            FirstTextAt ??= _clock.GetUtcNow();
            length = _text.Append(delta).Length;
        }

        Interlocked.Increment(ref _pieces);
        if (length >= Volatile.Read(ref _wakeAt))
        {
            _grown.Writer.TryWrite(true);
        }
    }

    /// <summary>Ends the sending, with all the text told: what comes next is about more than half a sentence.</summary>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        await StopAsync();
        if (!_fenced.IsCancellationRequested && Unsaid() is { } text)
        {
            await TellAsync(text, cancellationToken);
        }
    }

    /// <summary>
    /// Ends the sending, so that nothing overtakes what is sent next, by whomever. A send that is under way has a second to finish; then its request is given
    /// up: whoever stops an answer waits for two.
    /// </summary>
    public async Task StopAsync()
    {
        // Not CancelAsync: it would have another thread do what is done at once here.
        _stopped.Cancel();
        await _sending.WaitAsync(Grace, _clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        _cut.Cancel();
        await _sending;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stopped.Dispose();
        _cut.Dispose();
        _fenced.Dispose();
    }

    private async Task SendAsync()
    {
        var last = default(SentText?);
        try
        {
            while (await _grown.Reader.WaitToReadAsync(_stopped.Token))
            {
                _grown.Reader.TryRead(out _);
                if (Unsaid() is null)
                {
                    continue;
                }

                if (last is { } sent)
                {
                    await WaitUntilDueAsync(sent);
                }

                var (pieces, begun) = (Interlocked.Exchange(ref _pieces, 0), _clock.GetUtcNow());
                if (Unsaid() is { } text && await TellAsync(text, _cut.Token))
                {
                    last = new SentText(text.Length, _clock.GetUtcNow(), _clock.GetUtcNow() - begun);
                    Telemetry.UpdatesConflated.Add(Math.Max(0, pieces - 1));
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    /// <summary>All the text, if the client was not shown as much.</summary>
    private string? Unsaid()
    {
        var text = Text;
        return text.Length > _sentLength && !_shown.StartsWith(text, StringComparison.Ordinal) ? text : null;
    }

    /// <summary>Waits until the text that there is then is due. Text that makes it due no sooner wakes nobody.</summary>
    private async Task WaitUntilDueAsync(SentText last)
    {
        for (var length = Length; _pace.DueIn(last, length, _clock.GetUtcNow()) is var wait && wait > TimeSpan.Zero; length = Length)
        {
            Volatile.Write(ref _wakeAt, _pace.SoonerFrom(last, length) ?? int.MaxValue);
            if (Length != length)
            {
                continue;
            }

            using var due = new TimeLimit(wait, _clock, _stopped.Token);
            try
            {
                await _grown.Reader.WaitToReadAsync(due.Token);
                _grown.Reader.TryRead(out _);
            }
            catch (OperationCanceledException) when (!_stopped.IsCancellationRequested)
            {
                // Time is up.
            }
        }

        Volatile.Write(ref _wakeAt, 0);
    }

    /// <summary>Answers whether it was recorded; where Redis is away the next piece will carry the text. The first one's status goes before it. Where the message is over, nothing more is said.</summary>
    private async Task<bool> TellAsync(string text, CancellationToken cancellationToken)
    {
        try
        {
            var status = Told == 0 ? Updates.Responding(_address, ThreadId) : null;
            if (await _publisher.PublishTextAsync(_address, Updates.Text(_address, ThreadId, text), _told, status, cancellationToken) is { } told)
            {
                (_told, _sentLength) = (told, text.Length);
                Told++;
                return true;
            }

            _fenced.Cancel();
            _stopped.Cancel();
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            _logger.TextNotRecorded(e, _address.MessageId);
        }

        return false;
    }

    private int Length
    {
        get
        {
            lock (_text)
            {
                return _text.Length;
            }
        }
    }
}
