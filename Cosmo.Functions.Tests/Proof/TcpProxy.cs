using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Cosmo.Functions.Tests.Proof;

/// <summary>A stretch of network between the app and a service: it passes everything on until it is told to break.</summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, FreePorts.Next());
    private readonly ConcurrentDictionary<Socket, Socket> _pairs = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;
    private TaskCompletionSource _silence = Passing();
    private TimeSpan _delay;
    private int _halving;
    private volatile bool _refuses;
    private int _hits;

    /// <param name="target">The port of 127.0.0.1 that it leads to.</param>
    public TcpProxy(int target)
    {
        Target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Where new connections lead to.</summary>
    public int Target { get; set; }

    /// <summary>How many connections, or pieces of what they carry, were broken, refused, delayed or held back so far.</summary>
    public int Hits => Volatile.Read(ref _hits);

    /// <summary>New connections are broken off at once.</summary>
    public bool Refuses
    {
        get => _refuses;
        set => _refuses = value;
    }

    /// <summary>Breaks every connection off, as a reset does.</summary>
    public void Cut()
    {
        foreach (var (client, server) in _pairs)
        {
            Interlocked.Increment(ref _hits);
            Reset(client);
            Reset(server);
        }
    }

    /// <summary>Of the next piece that comes on each of so many connections half is passed on, and the connection then broken off.</summary>
    public void Halve(int connections) => Interlocked.Exchange(ref _halving, connections);

    /// <summary>Every piece takes so much longer, in each direction.</summary>
    public void Delay(TimeSpan delay) => _delay = delay;

    /// <summary>Nothing passes any more, and nobody is told: what comes waits.</summary>
    public void FallSilent() => _silence = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Passes on again what comes, and what waited.</summary>
    public void Heal()
    {
        (_refuses, _delay) = (false, TimeSpan.Zero);
        Interlocked.Exchange(ref _halving, 0);
        _silence.TrySetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        Heal();
        Cut();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private static TaskCompletionSource Passing()
    {
        var passing = new TaskCompletionSource();
        passing.SetResult();
        return passing;
    }

    private static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
            socket.Close();
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // It is closed.
        }
    }

    private async Task AcceptAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            var client = await _listener.AcceptSocketAsync(_stopping.Token);
            if (_refuses)
            {
                Interlocked.Increment(ref _hits);
                Reset(client);
                continue;
            }

            _ = ConnectAsync(client);
        }
    }

    private async Task ConnectAsync(Socket client)
    {
        var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        _pairs[client] = server;
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, Target, _stopping.Token);
            await Task.WhenAll(PassAsync(client, server), PassAsync(server, client));
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // One end has broken it off: so does the other.
        }
        finally
        {
            _pairs.TryRemove(client, out _);
            Reset(client);
            Reset(server);
        }
    }

    private async Task PassAsync(Socket from, Socket to)
    {
        var buffer = new byte[16 * 1024];
        while (await from.ReceiveAsync(buffer, _stopping.Token) is > 0 and var length)
        {
            if (_delay > TimeSpan.Zero)
            {
                Interlocked.Increment(ref _hits);
                await Task.Delay(_delay, _stopping.Token);
            }

            if (!_silence.Task.IsCompleted)
            {
                Interlocked.Increment(ref _hits);
                await _silence.Task.WaitAsync(_stopping.Token);
            }

            if (_halving > 0 && Interlocked.Decrement(ref _halving) >= 0)
            {
                Interlocked.Increment(ref _hits);
                await to.SendAsync(buffer.AsMemory(0, length / 2), _stopping.Token);
                Reset(from);
                Reset(to);
                return;
            }

            for (var sent = 0; sent < length;)
            {
                sent += await to.SendAsync(buffer.AsMemory(sent, length - sent), _stopping.Token);
            }
        }

        to.Shutdown(SocketShutdown.Send);
    }
}
