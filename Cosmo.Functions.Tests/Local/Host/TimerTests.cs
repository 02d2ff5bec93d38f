using System.Text.Json;
using System.Threading.Channels;
using Cosmo.Local.Host.Functions;
using Cosmo.Local.Host.Timers;
using TimerInfo = Microsoft.Azure.Functions.Worker.TimerInfo;

namespace Cosmo.Functions.Tests.Local.Host;

public sealed class TimerTests : IDisposable
{
    private const string EveryHour = "0 0 * * * *";

    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(20));
    private readonly string _folder = Directory.CreateTempSubdirectory("cosmo-").FullName;
    private readonly ManualTimeProvider _time = new();
    private readonly Runs _runs;

    public TimerTests() => _runs = new Runs(_time);

    private CancellationToken Limit => _limit.Token;

    public void Dispose()
    {
        _limit.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("0 30 9 * * MON", "2026-02-02T09:30:00")]
    [InlineData("30 9 * * *", "2026-02-01T09:30:00")]
    [InlineData("*/10 * * * * *", "2026-01-31T12:00:10")]
    [InlineData("01:30:00", "2026-01-31T13:30:00")]
    public void A_schedule_has_six_fields_or_five_or_is_an_interval(string text, string next) =>
        TimerSchedule.Parse(text)!.Next(_time.GetUtcNow().UtcDateTime).ToString("s").ShouldBe(next);

    [Theory]
    [InlineData("")]
    [InlineData("every day")]
    [InlineData("* * *")]
    [InlineData("0 61 * * * *")]
    [InlineData("-00:01:00")]
    public void What_is_no_schedule_is_not_taken_for_one(string text) => TimerSchedule.Parse(text).ShouldBeNull();

    [Fact]
    public async Task A_timer_fires_at_each_occurrence()
    {
        await using var listeners = await StartAsync(EveryHour);

        (await NextAsync(TimeSpan.FromHours(1))).At.ShouldBe("13:00:00");
        (await NextAsync(TimeSpan.FromHours(1))).At.ShouldBe("14:00:00");
    }

    [Fact]
    public async Task A_timer_waits_longer_than_a_timer_of_the_framework_can()
    {
        await using var listeners = await StartAsync("0 0 0 1 1 *");

        for (var days = 0; days < 335; days++)
        {
            await _time.TimersSetAsync().WaitAsync(Limit);
            _time.Advance(TimeSpan.FromDays(1));
        }

        (await _runs.NextAsync(Limit)).At.ShouldBe("00:00:00");
        _runs.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_function_can_run_at_the_start_too()
    {
        await using var listeners = await StartAsync(EveryHour, """, "runOnStartup": true""");

        (await _runs.NextAsync(Limit)).ShouldBe(new Run("12:00:00", IsPastDue: false));
    }

    [Fact]
    public async Task An_occurrence_that_falls_into_a_run_is_left_out()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _runs.Work = () => gate.Task;
        await using var listeners = await StartAsync(EveryHour);
        await NextAsync(TimeSpan.FromHours(1));

        _time.Advance(TimeSpan.FromMinutes(150));
        gate.SetResult();
        await _time.TimersSetAsync().WaitAsync(Limit);
        _time.Advance(TimeSpan.FromMinutes(30));

        (await _runs.NextAsync(Limit)).At.ShouldBe("16:00:00");
        _runs.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_missed_occurrence_is_made_up_for_at_the_next_start()
    {
        await using (await StartAsync(EveryHour))
        {
            await NextAsync(TimeSpan.FromHours(1));
        }

        _time.Advance(TimeSpan.FromMinutes(90));
        await using var listeners = await StartAsync(EveryHour);

        (await _runs.NextAsync(Limit)).ShouldBe(new Run("14:30:00", IsPastDue: true));
        (await NextAsync(TimeSpan.FromMinutes(30))).ShouldBe(new Run("15:00:00", IsPastDue: false));
    }

    [Fact]
    public async Task A_start_before_the_next_occurrence_makes_up_for_nothing()
    {
        await using (await StartAsync(EveryHour))
        {
            await NextAsync(TimeSpan.FromHours(1));
        }

        _time.Advance(TimeSpan.FromMinutes(30));
        await using var listeners = await StartAsync(EveryHour);

        (await NextAsync(TimeSpan.FromMinutes(30))).ShouldBe(new Run("14:00:00", IsPastDue: false));
    }

    [Fact]
    public async Task A_schedule_that_is_not_monitored_makes_up_for_nothing()
    {
        const string notMonitored = """, "useMonitor": false""";
        await using (await StartAsync(EveryHour, notMonitored))
        {
            await NextAsync(TimeSpan.FromHours(1));
        }

        _time.Advance(TimeSpan.FromMinutes(90));
        await using var listeners = await StartAsync(EveryHour, notMonitored);

        (await NextAsync(TimeSpan.FromMinutes(30))).ShouldBe(new Run("15:00:00", IsPastDue: false));
    }

    [Fact]
    public async Task A_damaged_past_is_begun_anew()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "timers"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "timers", "Tick.json"), "{", Limit);

        await using var listeners = await StartAsync(EveryHour);

        (await NextAsync(TimeSpan.FromHours(1))).ShouldBe(new Run("13:00:00", IsPastDue: false));
    }

    [Fact]
    public async Task A_run_that_fails_is_tried_again_as_its_attribute_says_and_the_schedule_goes_on()
    {
        _runs.Work = () => throw new InvalidOperationException("always");
        var retry = new FunctionRetry(2, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(15));
        await using var listeners = await StartAsync(EveryHour, """, "useMonitor": false""", retry);

        (await NextAsync(TimeSpan.FromHours(1))).At.ShouldBe("13:00:00");
        (await NextAsync(TimeSpan.FromSeconds(10))).At.ShouldBe("13:00:10");
        (await NextAsync(TimeSpan.FromSeconds(15))).At.ShouldBe("13:00:25");
        (await NextAsync(TimeSpan.FromHours(1))).At.ShouldBe("14:00:00");
    }

    [Fact]
    public async Task A_stop_waits_for_the_run_at_work()
    {
        var hasEnded = false;
        _runs.Work = async () =>
        {
            await _time.TimerSetForAsync(ShutdownGrace.Length).WaitAsync(Limit);
            for (var turns = 0; turns < 100; turns++)
            {
                await Task.Yield();
            }

            hasEnded = true;
        };
        await using var listeners = await StartAsync(EveryHour);
        await NextAsync(TimeSpan.FromHours(1));

        await listeners.StopAsync();

        hasEnded.ShouldBeTrue();
    }

    [Fact]
    public async Task A_run_that_the_stop_cut_off_is_made_up_for_at_the_next_start()
    {
        _runs.WorkUntil = token => Task.Delay(Timeout.Infinite, token);
        await using (var cut = await StartAsync(EveryHour))
        {
            await NextAsync(TimeSpan.FromHours(1));
            var stopping = cut.StopAsync();
            await _time.TimerSetForAsync(ShutdownGrace.Length).WaitAsync(Limit);
            _time.Advance(ShutdownGrace.Length);
            await stopping.WaitAsync(Limit);
        }

        _runs.WorkUntil = _ => Task.CompletedTask;
        await using var listeners = await StartAsync(EveryHour);

        (await _runs.NextAsync(Limit)).ShouldBe(new Run("13:00:06", IsPastDue: true));
    }

    [Fact]
    public async Task A_run_learns_of_its_schedule()
    {
        await using var listeners = await StartAsync(EveryHour);
        await NextAsync(TimeSpan.FromHours(1));
        await NextAsync(TimeSpan.FromHours(1));

        // Read as the worker's extension reads it.
        var timer = JsonSerializer.Deserialize<TimerInfo>(_runs.Last!)!;
        timer.IsPastDue.ShouldBeFalse();
        timer.ScheduleStatus!.Last.ShouldBe(new DateTime(2026, 1, 31, 13, 0, 0, DateTimeKind.Utc));
        timer.ScheduleStatus.Next.ShouldBe(new DateTime(2026, 1, 31, 14, 0, 0, DateTimeKind.Utc));
        timer.ScheduleStatus.LastUpdated.ShouldBe(timer.ScheduleStatus.Last);
    }

    private Task<RunningListeners> StartAsync(string schedule, string more = "", FunctionRetry? retry = null) =>
        RunningListeners.StartAsync(
            Metadata.Timer("Tick", "%SCHEDULE%", more) with { Retry = retry }, _runs, new() { ["SCHEDULE"] = schedule }, _time, _folder);

    private async Task<Run> NextAsync(TimeSpan by)
    {
        await _time.TimersSetAsync().WaitAsync(Limit);
        _time.Advance(by);
        return await _runs.NextAsync(Limit);
    }

    internal sealed record Run(string At, bool IsPastDue);

    internal sealed class Runs(TimeProvider time) : IFunctionInvoker
    {
        private readonly Channel<Run> _runs = Channel.CreateUnbounded<Run>();

        public int Count { get; private set; }

        public string? Last { get; private set; }

        public Func<Task> Work { get; set; } = () => Task.CompletedTask;

        public Func<CancellationToken, Task> WorkUntil { get; set; } = _ => Task.CompletedTask;

        public async Task InvokeAsync(FunctionDefinition function, TriggerInput input, CancellationToken cancellationToken)
        {
            Count++;
            Last = (string)input.Value!;
            var timer = JsonSerializer.Deserialize<TimerInfo>(Last)!;
            _runs.Writer.TryWrite(new Run(time.GetUtcNow().ToString("HH:mm:ss"), timer.IsPastDue));
            await Work();
            await WorkUntil(cancellationToken);
        }

        public ValueTask<Run> NextAsync(CancellationToken cancellationToken) => _runs.Reader.ReadAsync(cancellationToken);
    }
}
