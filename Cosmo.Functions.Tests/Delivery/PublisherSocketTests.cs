using System.Net.WebSockets;
using System.Text;
using System.Threading.Channels;
using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Delivery;
using Microsoft.Extensions.Logging.Abstractions;
using NSubstitute;

namespace Cosmo.Functions.Tests.Delivery;

/// <summary>What the app's own WebSocket makes of what its service says, over sockets that say what a test wants.</summary>
public sealed class PublisherSocketTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly ManualTimeProvider _clock = new();
    private readonly ScriptedConnection _connection;

    public PublisherSocketTests() => _connection = new ScriptedConnection(_clock);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await _connection.StartAsync(Cancellation);

    public async ValueTask DisposeAsync()
    {
        await _connection.StopAsync(CancellationToken.None);
        _connection.Dispose();
    }

    [Theory]
    [InlineData("""{"type":"ack","ackId":1,"success":true}""", true)]
    [InlineData("""{"type":"ack","ackId":1,"success":false,"error":{"name":"Duplicate"}}""", true)]
    [InlineData("""{"type":"ack","ackId":1,"success":false,"error":{"name":"Forbidden"}}""", false)]
    [InlineData("""{"type":"ack","ackId":1,"success":false}""", false)]
    public async Task A_message_has_arrived_when_the_service_says_so_or_had_it_before(string answer, bool hasArrived)
    {
        var socket = await NextSocketAsync();
        var sending = SendAsync("1");
        (await socket.SentAsync()).ShouldBe("""{"type":"sendToGroup","group":"g","ackId":1,"dataType":"json","data":1}""");

        socket.Say("""{"type":"system","event":"connected"}""");
        socket.Say("""{"type":"ack","ackId":7,"success":true}""");
        socket.Say(answer);

        (await sending.WaitAsync(Patience, Cancellation)).ShouldBe(hasArrived);
        _connection.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_confirmation_may_come_in_parts()
    {
        var socket = await NextSocketAsync();
        var sending = SendAsync("1");
        await socket.SentAsync();

        socket.Say("""{"type":"ack","ack""", isWhole: false);
        socket.Say("""Id":1,"success":true}""");

        (await sending.WaitAsync(Patience, Cancellation)).ShouldBeTrue();
    }

    [Theory]
    [InlineData("closes")]
    [InlineData("says too much")]
    [InlineData("says what is no JSON")]
    [InlineData("breaks")]
    public async Task With_a_connection_that_is_over_all_fails_that_it_had_and_another_is_made_after_a_wait(string how)
    {
        var socket = await NextSocketAsync();
        var sending = Task.WhenAll(SendAsync("1"), SendAsync("2"));
        await socket.SentAsync();

        switch (how)
        {
            case "closes":
                socket.Close();
                break;
            case "says too much":
                socket.Say(new string(' ', 4096), isWhole: false);
                break;
            case "says what is no JSON":
                socket.Say("?");
                break;
            default:
                socket.Break();
                break;
        }

        (await sending.WaitAsync(Patience, Cancellation)).ShouldBe([false, false]);
        socket.State.ShouldBe(WebSocketState.Aborted);
        (await SendAsync("3").WaitAsync(Patience, Cancellation)).ShouldBeFalse();
        _connection.Count.ShouldBe(1);
        await PassUntilNextAsync();
    }

    [Fact]
    public async Task A_connection_is_given_up_when_it_has_been_silent_for_a_second_with_something_to_confirm()
    {
        var socket = await NextSocketAsync();
        await PassAsync(60);
        var first = SendAsync("1");
        await PassAsync(0.5);
        socket.Say("""{"type":"system"}""");
        await socket.HeardAsync();
        await PassAsync(0.5);

        // While these go back and forth, whoever watches over the connection has seen how late it is.
        foreach (var number in Enumerable.Range(2, 10))
        {
            var sending = SendAsync($"{number}");
            socket.Say($$"""{"type":"ack","ackId":{{number}},"success":true}""");
            (await sending.WaitAsync(Patience, Cancellation)).ShouldBeTrue();
        }

        await PassAsync(0.5);
        first.IsCompleted.ShouldBeFalse();
        await PassAsync(0.5);

        (await first.WaitAsync(Patience, Cancellation)).ShouldBeFalse();
        socket.State.ShouldBe(WebSocketState.Aborted);
    }

    [Fact]
    public async Task After_a_connection_that_lasted_the_next_is_made_as_soon_as_after_the_first()
    {
        var socket = await NextSocketAsync();
        for (var tries = 0; tries < 8; tries++)
        {
            socket.Break();
            socket = await PassUntilNextAsync();
        }

        await PassAsync(31);
        var timers = _clock.TimersMade;
        socket.Break();
        await Eventually.IsSoAsync(() => _clock.TimersMade > timers, () => "It does not wait.", Cancellation);
        _clock.Advance(TimeSpan.FromSeconds(0.5));

        await NextSocketAsync();
    }

    [Fact]
    public async Task What_has_not_left_can_be_called_back_and_what_has_cannot()
    {
        var socket = await NextSocketAsync();
        socket.Hold();
        using var cancelled = new CancellationTokenSource();
        var (leaving, waiting, last) = (_connection.TrySendAsync("g", "1"u8.ToArray(), cancelled.Token), _connection.TrySendAsync("g", "2"u8.ToArray(), cancelled.Token), SendAsync("3"));

        await cancelled.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(waiting.WaitAsync(Patience, Cancellation));
        leaving.IsCompleted.ShouldBeFalse();
        socket.LetGo();

        (await socket.SentAsync()).ShouldEndWith("\"data\":1}");
        (await socket.SentAsync()).ShouldEndWith("\"data\":3}");
        socket.Say("""{"type":"ack","ackId":1,"success":true}""");
        socket.Say("""{"type":"ack","ackId":3,"success":true}""");
        (await Task.WhenAll(leaving, last).WaitAsync(Patience, Cancellation)).ShouldBe([true, true]);
    }

    [Theory]
    [InlineData(900_000, true)]
    [InlineData(900_001, false)]
    public async Task What_is_too_large_for_a_frame_does_not_leave(int length, bool leaves)
    {
        var socket = await NextSocketAsync();

        var sending = SendAsync(new string('1', length));
        sending.IsCompleted.ShouldBe(!leaves);

        socket.Break();
        (await sending.WaitAsync(Patience, Cancellation)).ShouldBeFalse();
    }

    private Task<bool> SendAsync(string json) => _connection.TrySendAsync("g", Encoding.UTF8.GetBytes(json), Cancellation);

    /// <summary>A connection that is listened to.</summary>
    private async Task<ScriptedSocket> NextSocketAsync()
    {
        var socket = await _connection.Made.ReadAsync(Cancellation).AsTask().WaitAsync(Patience, Cancellation);
        await socket.HeardAsync();
        return socket;
    }

    private async Task PassAsync(double seconds)
    {
        for (var left = seconds; left > 0; left -= 0.5)
        {
            await _clock.TimersSetAsync().WaitAsync(Patience, Cancellation);
            _clock.Advance(TimeSpan.FromSeconds(0.5));
        }
    }

    /// <summary>Lets time pass until another connection is made.</summary>
    private async Task<ScriptedSocket> PassUntilNextAsync()
    {
        var next = NextSocketAsync();
        while (!next.IsCompleted)
        {
            await PassAsync(0.5);
        }

        return await next;
    }

    private sealed class ScriptedConnection(TimeProvider clock)
        : PublisherConnection(Substitute.For<WebPubSubServiceClient>(), clock, NullLogger<PublisherConnection>.Instance)
    {
        private readonly Channel<ScriptedSocket> _made = Channel.CreateUnbounded<ScriptedSocket>();
        private int _count;

        /// <summary>How many were made.</summary>
        public int Count => Volatile.Read(ref _count);

        public ChannelReader<ScriptedSocket> Made => _made.Reader;

        protected override Task<WebSocket> ConnectAsync(CancellationToken cancellationToken)
        {
            var socket = new ScriptedSocket();
            Interlocked.Increment(ref _count);
            _made.Writer.TryWrite(socket);
            return Task.FromResult<WebSocket>(socket);
        }
    }

    private sealed class ScriptedSocket : WebSocket
    {
        private readonly Channel<(string? Text, bool IsWhole)> _said = Channel.CreateUnbounded<(string?, bool)>();
        private readonly Channel<string> _sent = Channel.CreateUnbounded<string>();
        private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private TaskCompletionSource _heldBack = Passed();
        private TaskCompletionSource _heard = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override WebSocketCloseStatus? CloseStatus => null;

        public override string? CloseStatusDescription => null;

        public override WebSocketState State => _over.Task.IsCompleted ? WebSocketState.Aborted : WebSocketState.Open;

        public override string? SubProtocol => null;

        public void Say(string text, bool isWhole = true)
        {
            _heard = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _said.Writer.TryWrite((text, isWhole));
        }

        public void Close() => _said.Writer.TryWrite((null, true));

        public void Break() => _said.Writer.TryComplete(new WebSocketException("It broke."));

        /// <summary>What is sent from now on is held back.</summary>
        public void Hold() => _heldBack = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        public void LetGo() => _heldBack.TrySetResult();

        public async Task<string> SentAsync() => await _sent.Reader.ReadAsync(Cancellation).AsTask().WaitAsync(Patience, Cancellation);

        /// <summary>What was said has been heard: something is waited for again.</summary>
        public Task HeardAsync() => _heard.Task.WaitAsync(Patience, Cancellation);

        public override async ValueTask<ValueWebSocketReceiveResult> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
        {
            if (!_said.Reader.TryPeek(out _))
            {
                _heard.TrySetResult();
            }

            var (text, isWhole) = await _said.Reader.ReadAsync(cancellationToken);
            var bytes = Encoding.UTF8.GetBytes(text ?? "");
            bytes.CopyTo(buffer);
            return new(bytes.Length, text is null ? WebSocketMessageType.Close : WebSocketMessageType.Text, isWhole);
        }

        public override async ValueTask SendAsync(ReadOnlyMemory<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken)
        {
            await _heldBack.Task.WaitAsync(cancellationToken);
            (messageType, endOfMessage).ShouldBe((WebSocketMessageType.Text, true));
            _sent.Writer.TryWrite(Encoding.UTF8.GetString(buffer.Span));
        }

        public override void Abort() => _over.TrySetResult();

        public override void Dispose() => Abort();

        public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) => throw new NotSupportedException();

        public override Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) => throw new NotSupportedException();

        public override Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken) => throw new NotSupportedException();

        public override Task SendAsync(ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken) => throw new NotSupportedException();

        private static TaskCompletionSource Passed()
        {
            var passed = new TaskCompletionSource();
            passed.SetResult();
            return passed;
        }
    }
}
