using System.Threading.Channels;
using Cosmo.Local.Runtime.Timers;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Tests.Local.Runtime;

public sealed class TimerTests : IDisposable
{
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
        await using var host = await StartAsync(typeof(HourlyFunction));

        (await NextAsync(TimeSpan.FromHours(1))).At.ShouldBe("13:00:00");
        (await NextAsync(TimeSpan.FromHours(1))).At.ShouldBe("14:00:00");
    }

    [Fact]
    public async Task A_function_can_run_at_the_start_too()
    {
        await using var host = await StartAsync(typeof(StartupFunction));

        (await _runs.NextAsync(Limit)).ShouldBe(new Run("12:00:00", IsPastDue: false));
    }

    [Fact]
    public async Task An_occurrence_that_falls_into_a_run_is_left_out()
    {
        await using var host = await StartAsync(typeof(LongFunction));
        await NextAsync(TimeSpan.FromHours(1));

        _time.Advance(TimeSpan.FromMinutes(150));
        _runs.Gate.SetResult();
        await _time.TimersSetAsync();
        _time.Advance(TimeSpan.FromMinutes(30));

        (await _runs.NextAsync(Limit)).At.ShouldBe("16:00:00");
        _runs.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_missed_occurrence_is_made_up_for_at_the_next_start()
    {
        await using (await StartAsync(typeof(HourlyFunction)))
        {
            await NextAsync(TimeSpan.FromHours(1));
        }

        _time.Advance(TimeSpan.FromMinutes(90));
        await using var host = await StartAsync(typeof(HourlyFunction));

        (await _runs.NextAsync(Limit)).ShouldBe(new Run("14:30:00", IsPastDue: true));
        (await NextAsync(TimeSpan.FromMinutes(30))).ShouldBe(new Run("15:00:00", IsPastDue: false));
    }

    [Fact]
    public async Task A_start_before_the_next_occurrence_makes_up_for_nothing()
    {
        await using (await StartAsync(typeof(HourlyFunction)))
        {
            await NextAsync(TimeSpan.FromHours(1));
        }

        _time.Advance(TimeSpan.FromMinutes(30));
        await using var host = await StartAsync(typeof(HourlyFunction));

        (await NextAsync(TimeSpan.FromMinutes(30))).ShouldBe(new Run("14:00:00", IsPastDue: false));
    }

    [Fact]
    public async Task A_damaged_past_is_begun_anew()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "timers"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "timers", "Hourly.json"), "{", Limit);

        await using var host = await StartAsync(typeof(HourlyFunction));

        (await NextAsync(TimeSpan.FromHours(1))).ShouldBe(new Run("13:00:00", IsPastDue: false));
    }

    [Fact]
    public async Task A_run_that_fails_is_tried_again_as_its_attribute_says_and_the_schedule_goes_on()
    {
        await using var host = await StartAsync(typeof(FailingFunction));

        (await NextAsync(TimeSpan.FromHours(1))).At.ShouldBe("13:00:00");
        (await NextAsync(TimeSpan.FromSeconds(10))).At.ShouldBe("13:00:10");
        (await NextAsync(TimeSpan.FromSeconds(15))).At.ShouldBe("13:00:25");
        (await NextAsync(TimeSpan.FromHours(1))).At.ShouldBe("14:00:00");
    }

    private Task<TestHost> StartAsync(Type functions) =>
        TestHost.StartAsync(functions, _runs, new() { ["HOURLY"] = "0 0 * * * *" }, _time, _folder);

    private async Task<Run> NextAsync(TimeSpan by)
    {
        await _time.TimersSetAsync().WaitAsync(Limit);
        _time.Advance(by);
        return await _runs.NextAsync(Limit);
    }

    internal sealed record Run(string At, bool IsPastDue);

    internal sealed class Runs(TimeProvider time)
    {
        private readonly Channel<Run> _runs = Channel.CreateUnbounded<Run>();

        public int Count { get; private set; }

        public TaskCompletionSource Gate { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Add(TimerInfo timer)
        {
            Count++;
            _runs.Writer.TryWrite(new Run(time.GetUtcNow().ToString("HH:mm:ss"), timer.IsPastDue));
        }

        public ValueTask<Run> NextAsync(CancellationToken cancellationToken) => _runs.Reader.ReadAsync(cancellationToken);
    }

#pragma warning disable xUnit1013
    internal sealed class HourlyFunction(Runs runs)
    {
        [Function("Hourly")]
        public void Run([TimerTrigger("%HOURLY%")] TimerInfo timer) => runs.Add(timer);
    }

    internal sealed class StartupFunction(Runs runs)
    {
        [Function("Startup")]
        public void Run([TimerTrigger("0 0 * * * *", RunOnStartup = true)] TimerInfo timer) => runs.Add(timer);
    }

    internal sealed class LongFunction(Runs runs)
    {
        [Function("Long")]
        public Task Run([TimerTrigger("0 0 * * * *")] TimerInfo timer)
        {
            runs.Add(timer);
            return runs.Gate.Task;
        }
    }

    internal sealed class FailingFunction(Runs runs)
    {
        [Function("Failing")]
        [ExponentialBackoffRetry(2, "00:00:10", "00:00:15")]
        public void Run([TimerTrigger("0 0 * * * *", UseMonitor = false)] TimerInfo timer)
        {
            runs.Add(timer);
            throw new InvalidOperationException("always");
        }
    }
}
