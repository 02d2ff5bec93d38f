using System.Globalization;
using Cosmo.Local.Terminal;
using Cosmo.Local.Terminal.Processes;

namespace Cosmo.Functions.Tests.Local.Terminal;

public sealed class RunProcessesTests : IDisposable
{
    private static readonly Launch Sleep = new("sleep", "600");

    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(60));
    private readonly string _folder = Directory.CreateTempSubdirectory("cosmo-run-").FullName;
    private readonly List<ChildProcess> _strangers = [];

    private string Running => Path.Combine(_folder, "running");

    public void Dispose()
    {
        foreach (var stranger in _strangers)
        {
            ProcessGroup.KillNow(stranger.Id);
            stranger.Dispose();
        }

        _limit.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task What_an_interrupted_run_left_behind_is_ended_by_the_next()
    {
        var left = Stranger();
        Record("functions", left, ProcessGroup.Began(left.Id)!);

        using var run = await RunProcesses.TakeOverAsync(_folder);

        await left.Ended.WaitAsync(_limit.Token);
        Directory.GetFiles(Running, "*.pid").ShouldBeEmpty();
    }

    [Fact]
    public async Task A_later_process_with_the_id_of_one_that_was_left_behind_is_not_touched()
    {
        var later = Stranger();
        Record("functions", later, "1");

        using var run = await RunProcesses.TakeOverAsync(_folder);

        later.Ended.IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task A_second_run_from_the_same_folder_is_refused_and_the_first_goes_on()
    {
        using var first = await RunProcesses.TakeOverAsync(_folder);
        var process = first.Start("sleep", Sleep);

        var refused = await Should.ThrowAsync<TerminalException>(RunProcesses.TakeOverAsync(_folder));

        refused.Message.ShouldStartWith($"Cosmo runs already from this folder (process {Environment.ProcessId}); stop it first");
        process.Ended.IsCompleted.ShouldBeFalse();
        first.KillAll();
    }

    [Fact]
    public async Task A_folder_is_free_again_when_its_run_has_ended()
    {
        (await RunProcesses.TakeOverAsync(_folder)).Dispose();

        (await RunProcesses.TakeOverAsync(_folder)).Dispose();
    }

    [Fact]
    public async Task The_processes_of_a_run_end_with_it()
    {
        Directory.CreateDirectory(Running);
        var child = Stranger();
        Record("functions", child, ProcessGroup.Began(child.Id)!);

        // The end of its input is what the guard sees of a run that was killed.
        using var guard = RunProcesses.Guard(Running);
        guard.Input.Close();

        await child.Ended.WaitAsync(_limit.Token);
        await guard.Ended.WaitAsync(_limit.Token);
    }

    [Fact]
    public async Task A_process_ends_with_all_that_it_started()
    {
        using var run = await RunProcesses.TakeOverAsync(_folder);
        var inner = new TaskCompletionSource<int>();
        run.Start("shell", new Launch("sh", "-c", "sleep 600 & echo $!; wait"), line => inner.SetResult(int.Parse(line, CultureInfo.InvariantCulture)));
        var sleeper = await inner.Task.WaitAsync(_limit.Token);

        await run.EndAsync("shell", TimeSpan.FromSeconds(30));

        ProcessGroup.IsAlive(run["shell"].Id).ShouldBeFalse();
        Directory.GetFiles(Running, "*.pid").ShouldBeEmpty();
        sleeper.ShouldNotBe(run["shell"].Id);
    }

    [Fact]
    public async Task A_process_that_does_not_listen_is_made_to_end()
    {
        using var run = await RunProcesses.TakeOverAsync(_folder);
        var ready = new TaskCompletionSource();
        var process = run.Start("deaf", new Launch("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"), _ => ready.TrySetResult());
        await ready.Task.WaitAsync(_limit.Token);

        await run.EndAsync("deaf", TimeSpan.Zero);

        (await process.Ended.WaitAsync(_limit.Token)).ShouldBe(128 + 9);
    }

    [Fact]
    public async Task A_process_that_ends_before_it_is_ready_is_explained_with_its_log()
    {
        using var run = await RunProcesses.TakeOverAsync(_folder);
        var process = run.Start("broken", new Launch("sh", "-c", "echo the reason >&2; exit 3"));
        await process.WaitForOutputAsync(_limit.Token);

        var error = await Should.ThrowAsync<TerminalException>(
            run.WaitUntilAsync("broken", TimeSpan.FromSeconds(30), () => Task.FromResult(false), _limit.Token));

        error.Message.ShouldContain("the reason");
        error.Message.ShouldEndWith("broken ended before it was ready.");
    }

    private ChildProcess Stranger()
    {
        var stranger = ChildProcess.Start(Sleep, _ => { });
        _strangers.Add(stranger);
        return stranger;
    }

    private void Record(string name, ChildProcess process, string began)
    {
        Directory.CreateDirectory(Running);
        File.WriteAllText(Path.Combine(Running, $"{name}.pid"), $"{process.Id} {began}\n");
    }
}
