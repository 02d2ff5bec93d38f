using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Cosmo.Functions.Tests.EndToEnd;
using Cosmo.Functions.Tests.Local.Durable;
using Cosmo.Local.Durable;
using DurableTask.Core;
using DurableTask.Core.Exceptions;
using Microsoft.Extensions.Logging.Abstractions;
using Newtonsoft.Json;

namespace Cosmo.Functions.Tests.Local.Durable
{
    /// <summary>A hub in a process of its own, which is killed whenever so many answers have come from it, and started again.</summary>
    internal sealed class ChildHub : IPlanHost, IAsyncDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cosmo-child-");
        private readonly ConcurrentDictionary<int, (ChildCall Call, TaskCompletionSource<PlanEnd?> Answer)> _open = new();
        private readonly Queue<int> _kills;
        private readonly Lock _lock = new();
        private Process _process = null!;
        private Task _reading = Task.CompletedTask;
        private int _calls;
        private int _answers;
        private bool _isKilled;

        private ChildHub(int[] kills) => _kills = new Queue<int>(kills);

        public Action<Wish>? Wished { get; set; }

        public static Task<ChildHub> StartAsync(int[] kills)
        {
            var hub = new ChildHub(kills);
            hub.Launch();
            return Task.FromResult(hub);
        }

        public Task StartAsync(string id, Plan plan) => CallAsync(new ChildCall { Verb = "start", Id = id, Plan = plan });

        public Task RaiseAsync(string id, string name, int payload) => CallAsync(new ChildCall { Verb = "raise", Id = id, Name = name, Payload = payload });

        public Task SuspendAsync(string id) => CallAsync(new ChildCall { Verb = "suspend", Id = id });

        public Task ResumeAsync(string id) => CallAsync(new ChildCall { Verb = "resume", Id = id });

        public Task TerminateAsync(string id) => CallAsync(new ChildCall { Verb = "terminate", Id = id });

        public async Task<PlanEnd> EndAsync(string id) => (await CallAsync(new ChildCall { Verb = "end", Id = id }))!;

        public async ValueTask DisposeAsync()
        {
            lock (_lock)
            {
                _open.Clear();
                _kills.Clear();
                _isKilled = true;
                _process.Kill();
            }

            await _reading;
            _process.Dispose();
            _folder.Delete(recursive: true);
        }

        private Task<PlanEnd?> CallAsync(ChildCall call)
        {
            lock (_lock)
            {
                call.Number = ++_calls;
                var answer = new TaskCompletionSource<PlanEnd?>(TaskCreationOptions.RunContinuationsAsynchronously);
                _open[call.Number] = (call, answer);
                Send(call);
                return answer.Task;
            }
        }

        private void Launch()
        {
            var program = new ProcessStartInfo("dotnet", [typeof(ChildHub).Assembly.Location])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                Environment =
                {
                    ["DOTNET_STARTUP_HOOKS"] = typeof(ChildHub).Assembly.Location,
                    [ChildProgram.FolderVariable] = _folder.FullName,
                },
            };
            _isKilled = false;
            _process = Process.Start(program)!;
            _reading = Task.Run(ReadAsync);
        }

        private async Task ReadAsync()
        {
            while (await _process.StandardOutput.ReadLineAsync() is { } line)
            {
                Take(line);
            }

            await _process.WaitForExitAsync();
            lock (_lock)
            {
                if (!_isKilled)
                {
                    // It is to live until it is killed; whoever waits is told.
                    var error = new InvalidOperationException($"The child process ended by itself with {_process.ExitCode}.");
                    _open.Values.ToList().ForEach(open => open.Answer.TrySetException(error));
                }
                else if (!_open.IsEmpty)
                {
                    _process.Dispose();
                    Launch();
                    _open.Values.OrderBy(open => open.Call.Number).ToList().ForEach(open => Send(open.Call));
                }
            }
        }

        private void Take(string line)
        {
            if (line.StartsWith("wish ", StringComparison.Ordinal))
            {
                Wished!(JsonConvert.DeserializeObject<Wish>(line[5..])!);
            }
            else if (line.StartsWith("done ", StringComparison.Ordinal))
            {
                var answer = JsonConvert.DeserializeObject<ChildAnswer>(line[5..])!;
                if (_open.TryRemove(answer.Number, out var open))
                {
                    open.Answer.SetResult(answer.End);
                }
            }

            if (_kills.TryPeek(out var next) && ++_answers >= next)
            {
                _kills.Dequeue();
                _answers = 0;
                _isKilled = true;
                _process.Kill();
            }
        }

        private void Send(ChildCall call)
        {
            try
            {
                _process.StandardInput.WriteLine(JsonConvert.SerializeObject(call));
                _process.StandardInput.Flush();
            }
            catch (IOException)
            {
                // It has just been killed; the next process gets the call.
            }
        }
    }

    internal sealed record ChildCall
    {
        public int Number { get; set; }

        public required string Verb { get; init; }

        public required string Id { get; init; }

        public Plan? Plan { get; init; }

        public string? Name { get; init; }

        public int Payload { get; init; }
    }

    internal sealed record ChildAnswer(int Number, PlanEnd? End);

    /// <summary>The process that is killed: a store, a worker, and calls on its standard input.</summary>
    internal static class ChildProgram
    {
        public const string FolderVariable = "COSMO_TEST_DURABLE_FOLDER";

        public static async Task RunAsync(string folder)
        {
            var service = new SqliteOrchestrationService(
                new SqliteDurabilityOptions { DatabasePath = Path.Combine(folder, "durable.db") }, TimeProvider.System, NullLogger.Instance);
            var worker = new TaskHubWorker(service, NullLoggerFactory.Instance) { ErrorPropagationMode = ErrorPropagationMode.UseFailureDetails };
            PlanFunctions.Create(wish => Say("wish", wish), () => Task.CompletedTask).AddTo(worker);
            await worker.StartAsync();
            while (await Console.In.ReadLineAsync() is { } line)
            {
                _ = AnswerAsync(service, JsonConvert.DeserializeObject<ChildCall>(line)!);
            }
        }

        private static async Task AnswerAsync(SqliteOrchestrationService service, ChildCall call)
        {
            var client = new TaskHubClient(service);
            var instance = new OrchestrationInstance { InstanceId = call.Id };
            PlanEnd? end = null;
            switch (call.Verb)
            {
                case "start":
                    try
                    {
                        await client.CreateOrchestrationInstanceAsync(PlanFunctions.Name, "", call.Id, call.Plan);
                    }
                    catch (OrchestrationAlreadyExistsException)
                    {
                    }

                    break;
                case "raise":
                    await client.RaiseEventAsync(instance, call.Name!, call.Payload);
                    break;
                case "suspend":
                    await client.SuspendInstanceAsync(instance);
                    break;
                case "resume":
                    await client.ResumeInstanceAsync(instance);
                    break;
                case "terminate":
                    await client.TerminateInstanceAsync(instance, "the end");
                    break;
                default:
                    var state = await service.WaitForOrchestrationAsync(call.Id, "", Timeout.InfiniteTimeSpan, CancellationToken.None);
                    end = new PlanEnd(state.OrchestrationStatus, state.Output);
                    break;
            }

            Say("done", new ChildAnswer(call.Number, end));
        }

        private static void Say(string what, object value)
        {
            lock (Console.Out)
            {
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what} {JsonConvert.SerializeObject(value)}"));
                Console.Out.Flush();
            }
        }
    }
}

/// <summary>Run by .NET before the program itself where DOTNET_STARTUP_HOOKS names this assembly. The name and the place are .NET's.</summary>
internal static class StartupHook
{
    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(ChildProgram.FolderVariable) is { } folder)
        {
            ChildProgram.RunAsync(folder).GetAwaiter().GetResult();
            Environment.Exit(0);
        }

        if (Environment.GetEnvironmentVariable(WorkerGauge.PathVariable) is { Length: > 0 } path)
        {
            new WorkerGauge(path).Open();
        }
    }
}
