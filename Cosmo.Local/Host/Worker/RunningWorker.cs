using System.Globalization;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Cosmo.Local.Host.Worker.Protocol;
using Google.Protobuf.WellKnownTypes;

namespace Cosmo.Local.Host.Worker;

/// <summary>How workers are started.</summary>
/// <param name="App">The app.</param>
/// <param name="Server">Where they connect to.</param>
/// <param name="Environment">The app's settings and what the host adds, as environment variables.</param>
/// <param name="Logs">Gets their log lines and what they write to the console.</param>
internal sealed record WorkerStart(WorkerApp App, WorkerServer Server, IReadOnlyDictionary<string, string> Environment, ILoggerFactory Logs)
{
    /// <summary>The time that a process has to connect.</summary>
    public TimeSpan ConnectLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The time that each step after it may take.</summary>
    public TimeSpan StepLimit { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>A worker that is ready to run functions.</summary>
internal sealed partial class RunningWorker : IAsyncDisposable
{
    private static readonly TimeSpan TerminateGrace = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ListenDelay = TimeSpan.FromMilliseconds(20);

    private readonly WorkerStart _start;
    private readonly WorkerProcess _process;
    private readonly WorkerChannel _channel;
    private readonly Action<RunningWorker> _left;
    private Dictionary<string, string> _functionIds = [];

    private RunningWorker(WorkerStart start, WorkerProcess process, WorkerChannel channel, Action<RunningWorker> left)
    {
        _start = start;
        _process = process;
        _channel = channel;
        _left = left;
        Ended = WaitForEndAsync();
    }

    public int ProcessId => _process.Id;

    /// <summary>The functions as the worker describes them.</summary>
    public IReadOnlyCollection<RpcFunctionMetadata> Functions { get; private set; } = [];

    /// <summary>Where the worker takes the requests of HTTP functions; null if it takes none.</summary>
    public Uri? HttpAddress { get; private set; }

    /// <summary>Whether it can take no more invocations.</summary>
    public bool HasLeft => _process.Exited.IsCompleted || _channel.Closed.IsCompleted;

    /// <summary>Completes when the process has ended or has left the host; whatever it had not answered has failed then.</summary>
    public Task<WorkerProcessExitException> Ended { get; }

    /// <summary>Starts a process and takes it through the protocol until its functions are loaded.</summary>
    /// <param name="start">What to start.</param>
    /// <param name="left">Called once it has left, before what it had not answered fails.</param>
    /// <param name="cancellationToken">Ends the process where it is.</param>
    /// <exception cref="StartupException">A step failed or took too long; the process has ended then.</exception>
    public static async Task<RunningWorker> StartAsync(WorkerStart start, Action<RunningWorker> left, CancellationToken cancellationToken)
    {
        var channel = new WorkerChannel(Guid.NewGuid().ToString(), new WorkerLog(start.Logs).Write);
        start.Server.Expect(channel);
        try
        {
            var process = WorkerProcess.Start(start.App, Arguments(channel.WorkerId, start.Server.Address), start.Environment, start.Logs.CreateLogger(WorkerLog.Console));
            var worker = new RunningWorker(start, process, channel, left);
            try
            {
                await worker.GetReadyAsync(cancellationToken);
                return worker;
            }
            catch
            {
                await worker.DisposeAsync();
                throw;
            }
        }
        catch
        {
            start.Server.Forget(channel);
            throw;
        }
    }

    /// <summary>Runs a function.</summary>
    /// <returns>Null if the worker has gone, so that nothing was sent.</returns>
    /// <exception cref="WorkerProcessExitException">The worker died.</exception>
    public Task<InvocationResponse?> InvokeAsync(string function, InvocationRequest request, CancellationToken cancellationToken)
    {
        request.FunctionId = _functionIds.TryGetValue(function, out var id) ? id : throw new InvalidOperationException($"The worker has no function '{function}'.");
        return _channel.InvokeAsync(request, cancellationToken);
    }

    public void Kill() => _process.Kill();

    /// <summary>Lets the worker end by itself for a while, then ends it.</summary>
    public async Task TerminateAsync()
    {
        _channel.Tell(new StreamingMessage { WorkerTerminate = new WorkerTerminate { GracePeriod = Duration.FromTimeSpan(TerminateGrace) } });
        await Task.WhenAny(_process.Exited, Task.Delay(TerminateGrace));
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        await Ended;
        _start.Server.Forget(_channel);
    }

    private static string[] Arguments(string workerId, Uri server)
    {
        var request = Guid.NewGuid().ToString();
        var length = int.MaxValue.ToString(CultureInfo.InvariantCulture);
        return
        [
            "--host", server.Host, "--port", server.Port.ToString(CultureInfo.InvariantCulture),
            "--workerId", workerId, "--requestId", request, "--grpcMaxMessageLength", length,
            "--functions-uri", server.ToString(), "--functions-worker-id", workerId, "--functions-request-id", request, "--functions-grpc-max-message-length", length,
        ];
    }

    private async Task GetReadyAsync(CancellationToken cancellationToken)
    {
        await StepAsync("connect to the host", async token =>
        {
            await _channel.Connected.WaitAsync(_start.ConnectLimit, token);
            return true;
        }, _start.ConnectLimit, cancellationToken);
        var init = (await AskAsync("initialize", new StreamingMessage
        {
            WorkerInitRequest = new WorkerInitRequest { HostVersion = "4.0.0.0", WorkerDirectory = _start.App.Folder, FunctionAppDirectory = _start.App.Folder },
        }, cancellationToken)).WorkerInitResponse;
        Check(init.Result, "could not initialize");
        HttpAddress = init.Capabilities.TryGetValue("HttpUri", out var address) && Uri.TryCreate(address, UriKind.Absolute, out var uri) ? uri : null;

        var described = (await AskAsync("describe its functions", new StreamingMessage
        {
            FunctionsMetadataRequest = new FunctionsMetadataRequest { FunctionAppDirectory = _start.App.Folder },
        }, cancellationToken)).FunctionMetadataResponse;
        Check(described.Result, "could not describe its functions");
        if (described.UseDefaultMetadataIndexing)
        {
            throw new StartupException($"The worker of {_start.App.Folder} cannot describe its functions; build the app with a newer Microsoft.Azure.Functions.Worker.Sdk.");
        }

        foreach (var function in described.FunctionMetadataResults)
        {
            Check(function.Status, $"could not describe the function '{function.Name}'");
        }

        foreach (var function in described.FunctionMetadataResults)
        {
            var loaded = (await AskAsync($"load the function '{function.Name}'", new StreamingMessage
            {
                FunctionLoadRequest = new FunctionLoadRequest { FunctionId = function.FunctionId, Metadata = function },
            }, cancellationToken)).FunctionLoadResponse;
            Check(loaded.Result, $"could not load the function '{function.Name}'");
        }

        Functions = described.FunctionMetadataResults;
        _functionIds = Functions.DistinctBy(function => function.Name).ToDictionary(function => function.Name, function => function.FunctionId);
        if (HttpAddress is not null)
        {
            await StepAsync("take requests", token => ListensAsync(HttpAddress, token).WaitAsync(_start.StepLimit, token), _start.StepLimit, cancellationToken);
        }
    }

    /// <summary>The worker announces the address of its HTTP server before that listens.</summary>
    private static async Task<bool> ListensAsync(Uri address, CancellationToken cancellationToken)
    {
        while (true)
        {
            using var socket = new TcpClient();
            try
            {
                await socket.ConnectAsync(address.Host, address.Port, cancellationToken);
                return true;
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionRefused)
            {
                await Task.Delay(ListenDelay, cancellationToken);
            }
        }
    }

    private Task<StreamingMessage> AskAsync(string step, StreamingMessage question, CancellationToken cancellationToken) =>
        StepAsync(step, token => _channel.AskAsync(question, _start.StepLimit, token), _start.StepLimit, cancellationToken);

    private async Task<T> StepAsync<T>(string step, Func<CancellationToken, Task<T>> take, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var given = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var taken = take(given.Token);
        try
        {
            if (await Task.WhenAny(taken, Ended) == taken)
            {
                return await taken;
            }
        }
        catch (TimeoutException error)
        {
            throw new StartupException($"The worker of {_start.App.Folder} did not {step} within {limit.TotalSeconds:0} seconds.", error);
        }
        catch (WorkerProcessExitException)
        {
            // Told below, by what it wrote last.
        }
        finally
        {
            await given.CancelAsync();
        }

        var end = await Ended;
        throw new StartupException($"The worker of {_start.App.Folder} ended before it could {step}. {await CauseAsync() ?? end.Message}", end);
    }

    /// <summary>What the app's last exception said, without its type and where it came from; null where there was none.</summary>
    private async Task<string?> CauseAsync()
    {
        const string Unhandled = "Unhandled exception. ";
        var lines = (await _process.LastErrorsAsync())
            .SkipWhile(line => !line.StartsWith(Unhandled, StringComparison.Ordinal))
            .TakeWhile(line => !line.StartsWith("   at ", StringComparison.Ordinal))
            .ToList();
        return lines.Count == 0 ? null : TypeName().Replace(string.Join(Environment.NewLine, lines)[Unhandled.Length..], "", 1);
    }

    private void Check(StatusResult? result, string failure)
    {
        if (result is { Status: not StatusResult.Types.Status.Success })
        {
            throw new StartupException($"The worker of {_start.App.Folder} {failure}: {result.Exception?.Message}");
        }
    }

    private async Task<WorkerProcessExitException> WaitForEndAsync()
    {
        await Task.WhenAny(_process.Exited, _channel.Closed);
        _left(this);

        // The stream breaks when the process ends: its exit code follows in a moment. A worker that has merely left is of no use.
        await Task.WhenAny(_process.Exited, Task.Delay(TimeSpan.FromSeconds(1)));
        var reason = new WorkerProcessExitException(_process.Exited.IsCompletedSuccessfully
            ? $"The worker process {_process.Id} exited with code {await _process.Exited}."
            : $"The worker process {_process.Id} left the host.");
        _channel.Fail(reason);
        _process.Kill();
        return reason;
    }

    [GeneratedRegex(@"^[\w.+`]+: ")]
    private static partial Regex TypeName();
}
