using Cosmo.Functions.Access;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Access;

public sealed class RequestLimitsTests : IAsyncDisposable
{
    private static readonly Caller Ana = new("ana", []);
    private static readonly Caller Stranger = Caller.Anonymous with { Source = "here" };

    private readonly TestRedis _redis = new();
    private readonly RecordedLogs _logs = new();
    private readonly LoggerFactory _loggers;
    private readonly LimitOptions _options = new() { NegotiationsPerMinute = 2, EventsPerMinute = 2 };

    public RequestLimitsTests() => _loggers = new LoggerFactory([_logs]);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        _loggers.Dispose();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task A_user_negotiates_so_often_in_a_minute_in_whatever_channel_and_at_whichever_instance()
    {
        var (one, other) = (Limits(), Limits());

        (await one.TakeNegotiationAsync("c1", Ana, Cancellation)).ShouldBeNull();
        (await other.TakeNegotiationAsync("c2", Ana with { Issuer = "backend" }, Cancellation)).ShouldBeNull();
        var reached = await one.TakeNegotiationAsync("c3", Ana, Cancellation);

        reached!.ToString().ShouldStartWith("The limit of 2 negotiations a minute is reached; it ends at 20");
        (reached.Ends - TimeProvider.System.GetUtcNow()).ShouldBeInRange(TimeSpan.FromSeconds(50), TimeSpan.FromSeconds(60));
        (await other.TakeNegotiationAsync("c1", new Caller("ben", []), Cancellation)).ShouldBeNull();
        (await other.TakeNegotiationAsync("c1", Ana with { Issuer = "https://login.example.com" }, Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task In_no_60_seconds_is_more_let_through_and_what_is_refused_does_not_count()
    {
        var limits = Limits();
        (await TakeAsync(5, _ => limits.TakeNegotiationAsync("c1", Ana, Cancellation))).Count(reached => reached is null).ShouldBe(2);

        await PassAsync(TimeSpan.FromSeconds(30));
        (await TakeAsync(2, _ => limits.TakeNegotiationAsync("c1", Ana, Cancellation)))
            .ShouldAllBe(reached => reached!.Ends - TimeProvider.System.GetUtcNow() <= TimeSpan.FromSeconds(30));

        // The first of the two is a minute old now, the other half a minute.
        await PassAsync(TimeSpan.FromSeconds(30), first: true);
        (await TakeAsync(3, _ => limits.TakeNegotiationAsync("c1", Ana, Cancellation))).Count(reached => reached is null).ShouldBe(1);
    }

    [Fact]
    public async Task Nothing_is_kept_of_who_has_asked_for_nothing_for_a_minute()
    {
        await Limits().TakeNegotiationAsync("c1", Ana, Cancellation);

        (await _redis.Connection.RunAsync(database => database.KeyTimeToLiveAsync(AnasKey), Cancellation))!.Value
            .ShouldBeInRange(TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task An_address_has_as_much_as_ten_users_since_many_may_be_behind_it()
    {
        var limits = Limits();

        var taken = await TakeAsync(25, number => limits.TakeNegotiationAsync($"c{number}", Stranger, Cancellation));

        taken.Count(reached => reached is null).ShouldBe(20);
        taken.First(reached => reached is not null)!.Text.ShouldBe("The limit of 20 negotiations a minute");
        (await limits.TakeNegotiationAsync("c1", Caller.Anonymous with { Source = "there" }, Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task Where_nobody_knows_the_address_the_channel_counts()
    {
        var limits = Limits();

        var taken = await TakeAsync(25, _ => limits.TakeNegotiationAsync("c1", Caller.Anonymous, Cancellation));

        taken.Count(reached => reached is null).ShouldBe(20);
        (await limits.TakeNegotiationAsync("c2", Caller.Anonymous, Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task Each_kind_of_event_counts_by_itself_so_that_what_was_asked_can_be_cancelled()
    {
        var limits = Limits();
        limits.CountsEvents.ShouldBeTrue();

        var sent = await TakeAsync(5, _ => limits.TakeEventAsync("message", "c1", Ana, Cancellation));

        sent.Count(reached => reached is null).ShouldBe(2);
        sent.First(reached => reached is not null)!.Text.ShouldBe("The limit of 2 'message' events a minute");
        (await limits.TakeEventAsync("cancel", "c1", Ana, Cancellation)).ShouldBeNull();
        (await limits.TakeNegotiationAsync("c1", Ana, Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task Without_a_limit_Redis_is_not_asked()
    {
        (_options.NegotiationsPerMinute, _options.EventsPerMinute) = (0, 0);
        var limits = new RequestLimits(null!, AccessSetup.BackendNames, Options.Create(_options), TimeProvider.System, _loggers.CreateLogger<RequestLimits>());

        (await limits.TakeNegotiationAsync("c1", Ana, Cancellation)).ShouldBeNull();
        (await limits.TakeEventAsync("message", "c1", Ana, Cancellation)).ShouldBeNull();
        limits.CountsEvents.ShouldBeFalse();
    }

    [Fact]
    public async Task A_Redis_that_is_away_or_refuses_locks_nobody_out()
    {
        await using var nowhere = TestRedis.Nowhere();
        await _redis.Connection.RunAsync(database => database.StringSetAsync(AnasKey, "no list"), Cancellation);

        foreach (var limits in (RequestLimits[])[Limits(nowhere), Limits()])
        {
            (await TakeAsync(5, _ => limits.TakeNegotiationAsync("c1", Ana, Cancellation))).ShouldAllBe(reached => reached == null);
        }

        _logs.Text.Split('\n').Count(line => line.Contains("it is let through", StringComparison.Ordinal)).ShouldBe(10);
    }

    [Fact]
    public async Task A_Redis_that_does_not_answer_is_waited_for_for_a_second()
    {
        await using var own = new RedisServer();
        await own.StartAsync();
        await using var redis = new RedisConnection(Options.Create(new RedisOptions { Url = own.Url }));
        var clock = new ManualTimeProvider();
        var limits = new RequestLimits(redis, AccessSetup.BackendNames, Options.Create(_options), clock, _loggers.CreateLogger<RequestLimits>());
        await limits.TakeNegotiationAsync("c1", Ana, Cancellation);
        await own.CommandAsync("CLIENT PAUSE 60000 ALL", Cancellation);

        var taking = limits.TakeNegotiationAsync("c1", Ana, Cancellation);
        clock.Advance(TimeSpan.FromSeconds(0.9));
        taking.IsCompleted.ShouldBeFalse();
        clock.Advance(TimeSpan.FromSeconds(0.1));

        (await taking).ShouldBeNull();
        _logs.Text.ShouldContain("it is let through");
    }

    [Fact]
    public async Task What_its_caller_has_given_up_is_not_let_through()
    {
        using var gone = new CancellationTokenSource();
        await gone.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(Limits().TakeNegotiationAsync("c1", Ana, gone.Token));
    }

    private string AnasKey => $"{_redis.Prefix}rate:negotiations:user:backend:ana";

    /// <summary>Has what was let through so far, or the first of it, be so much longer ago: the time is that of Redis.</summary>
    private async Task PassAsync(TimeSpan time, bool first = false)
    {
        var taken = await _redis.Connection.RunAsync(database => database.ListRangeAsync(AnasKey), Cancellation);
        foreach (var (i, at) in taken.Take(first ? 1 : taken.Length).Index())
        {
            await _redis.Connection.RunAsync(database => database.ExecuteAsync("LSET", AnasKey, i, (long)at - (long)time.TotalMilliseconds), Cancellation);
        }
    }

    private static async Task<IReadOnlyList<ReachedLimit?>> TakeAsync(int count, Func<int, Task<ReachedLimit?>> take) =>
        await Task.WhenAll(Enumerable.Range(0, count).Select(take));

    private RequestLimits Limits(RedisConnection? redis = null) =>
        new(redis ?? _redis.Connection, AccessSetup.BackendNames, Options.Create(_options), TimeProvider.System, _loggers.CreateLogger<RequestLimits>());
}
