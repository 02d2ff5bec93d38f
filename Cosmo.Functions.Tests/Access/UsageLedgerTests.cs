using Cosmo.Functions.Access;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Access;

public sealed class UsageLedgerTests : IAsyncDisposable
{
    private static readonly Caller Ana = new("ana", []);
    private static readonly TokenUsage Used = new(100, 40, 7, "gpt-4o-mini", 1);

    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly LimitOptions _options = new();
    private readonly UsageLedger _ledger;

    public UsageLedgerTests() => _ledger = new UsageLedger(_redis.Connection, AccessSetup.BackendNames, Options.Create(_options), _clock);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private DateOnly Today => DateOnly.FromDateTime(_clock.GetUtcNow().UtcDateTime);

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task Responses_are_added_up_by_user_channel_profile_and_model_and_messages_once()
    {
        await CountAsync("resp_1", "m1", Ana);
        await CountAsync("resp_2", "m1", Ana);
        await CountAsync("resp_3", "m2", Caller.TrustedProducer, Used with { Model = "gpt-4.1", OutputTokens = 100 });

        (await RowsAsync(UsageDimension.User)).ShouldBe([new(null, 1, 100, 40, 100), new("backend:ana", 1, 200, 80, 14)]);
        (await RowsAsync(UsageDimension.Channel)).ShouldBe([new("c1", 2, 300, 120, 114)]);
        (await RowsAsync(UsageDimension.Profile)).ShouldBe([new("cosmo", 2, 300, 120, 114)]);
        (await RowsAsync(UsageDimension.Model)).ShouldBe([new("gpt-4.1", 1, 100, 40, 100), new("gpt-4o-mini", 1, 200, 80, 14)]);
    }

    [Fact]
    public async Task A_response_that_is_reported_again_counts_once_also_over_the_hour_and_midnight()
    {
        _clock.Advance(_clock.GetUtcNow().UtcDateTime.Date.AddDays(1).AddMinutes(-1) - _clock.GetUtcNow().UtcDateTime);
        var yesterday = Today;
        await CountAsync("resp_1", "m1", Ana);
        _clock.Advance(TimeSpan.FromMinutes(2));
        await CountAsync("resp_1", "m1", Ana);
        await CountAsync("resp_2", "m1", Ana);

        (await _ledger.ReadAsync(yesterday, yesterday, UsageDimension.User, 10, Cancellation)).ShouldBe([new("backend:ana", 1, 100, 40, 7)]);
        (await _ledger.ReadAsync(Today, Today, UsageDimension.User, 10, Cancellation)).ShouldBe([new("backend:ana", 0, 100, 40, 7)]);
        (await _ledger.ReadAsync(yesterday, Today, UsageDimension.User, 10, Cancellation)).ShouldBe([new("backend:ana", 1, 200, 80, 14)]);
    }

    [Fact]
    public async Task Only_the_rows_with_the_most_output_are_answered()
    {
        foreach (var number in Enumerable.Range(1, 5))
        {
            await CountAsync($"resp_{number}", $"m{number}", new Caller($"user-{number}", []), Used with { OutputTokens = number });
        }

        (await _ledger.ReadAsync(Today, Today, UsageDimension.User, 2, Cancellation)).Select(row => row.Key).ShouldBe(["backend:user-5", "backend:user-4"]);
    }

    [Fact]
    public async Task Of_rows_with_the_same_output_the_one_with_more_messages_comes_first()
    {
        await CountAsync("resp_1", "m1", new Caller("zoe", []), Used with { OutputTokens = 5 });
        await CountAsync("resp_2", "m2", new Caller("zoe", []), Used with { OutputTokens = 5 });
        await CountAsync("resp_3", "m3", Ana, Used with { OutputTokens = 10 });

        (await RowsAsync(UsageDimension.User)).Select(row => row.Key).ShouldBe(["backend:zoe", "backend:ana"]);
    }

    [Fact]
    public async Task What_is_more_than_a_day_keeps_is_added_up_under_one_key()
    {
        await CountAsync("resp_0", "m0", Ana);
        var day = $"{_clock.GetUtcNow().UtcDateTime:yyyyMMdd}";
        await _redis.Connection.EvaluateAsync(
            "for i = 2, 10000 do for _, metric in ipairs({'m', 'i', 'c', 'o'}) do redis.call('HSET', KEYS[1], metric .. ':=user-' .. i, 0) end end",
            [$"{_redis.Prefix}{{usage}}:{day}:user"], [], Cancellation);

        await CountAsync("resp_1", "m1", new Caller("late", []));
        await CountAsync("resp_2", "m2", new Caller("later", []));
        await CountAsync("resp_3", "m3", Ana);

        (await _ledger.ReadAsync(Today, Today, UsageDimension.User, 2, Cancellation)).ShouldBe([new(UsageLedger.Others, 2, 200, 80, 14), new("backend:ana", 2, 200, 80, 14)]);
    }

    [Fact]
    public async Task The_same_id_from_two_issuers_is_two_users_and_what_was_counted_by_id_alone_is_still_told()
    {
        await CountAsync("resp_1", "m1", Ana with { Issuer = "https://login.example.com" });
        await CountAsync("resp_2", "m2", Ana);
        await CountAsync("resp_3", "m3", Ana with { Issuer = "backend" });
        await _redis.Connection.EvaluateAsync(
            "redis.call('HSET', KEYS[1], 'm:=ana', 1, 'o:=ana', 3)", [$"{_redis.Prefix}{{usage}}:{_clock.GetUtcNow().UtcDateTime:yyyyMMdd}:user"], [], Cancellation);

        (await RowsAsync(UsageDimension.User)).ShouldBe([new("backend:ana", 2, 200, 80, 14), new("https://login.example.com:ana", 1, 100, 40, 7), new("ana", 1, 0, 0, 3)]);
    }

    [Fact]
    public async Task Tokens_of_a_stranger_are_used_up_in_the_channel_and_at_the_source()
    {
        _options.TokensPerDay = 107;
        var limits = new MessageLimits(_redis.Connection, AccessSetup.BackendNames, Options.Create(_options), _clock);
        var here = Caller.Anonymous with { Source = "here" };

        await CountAsync("resp_1", "m1", here);

        (await limits.TakeAsync(new MessageAddress("c2", "m2", 1), here, Cancellation))!.Text.ShouldBe("The limit of 107 tokens a day");
        (await limits.TakeAsync(new MessageAddress("c1", "m3", 1), Caller.Anonymous, Cancellation)).ShouldNotBeNull();
        (await limits.TakeAsync(new MessageAddress("c2", "m4", 1), Caller.Anonymous with { Source = "there" }, Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task A_day_is_kept_for_as_long_as_the_setting_says()
    {
        _options.UsageDays = 3;
        await CountAsync("resp_1", "m1", Ana);

        var kept = await _redis.Connection.RunAsync(
            database => database.KeyTimeToLiveAsync($"{_redis.Prefix}{{usage}}:{_clock.GetUtcNow().UtcDateTime:yyyyMMdd}:model"), Cancellation);
        kept!.Value.TotalDays.ShouldBeInRange(2.9, 3);
    }

    [Fact]
    public void The_usage_of_an_answer_is_that_of_its_rounds_as_far_as_it_is_known()
    {
        TokenUsage.Sum(Used, new TokenUsage(30, 20, 10, "gpt-4.1", 2)).ShouldBe(new TokenUsage(130, 60, 17, "gpt-4.1", 3));
        TokenUsage.Sum(Used, null).ShouldBe(Used);
        TokenUsage.Sum(null, Used).ShouldBe(Used);
        TokenUsage.Sum(null, null).ShouldBeNull();
    }

    private Task CountAsync(string responseId, string messageId, Caller caller, TokenUsage? usage = null) =>
        _ledger.CountAsync(responseId, new MessageAddress("c1", messageId, 1), caller, "cosmo", usage ?? Used, Cancellation);

    private Task<IReadOnlyList<UsageRow>> RowsAsync(UsageDimension dimension) => _ledger.ReadAsync(Today, Today, dimension, 10, Cancellation);
}
