using Cosmo.Functions.Access;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Access;

public sealed class MessageLimitsTests : IAsyncDisposable
{
    private static readonly Caller Ana = new("ana", []);

    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly LimitOptions _options = new();
    private readonly MessageLimits _limits;

    public MessageLimitsTests() => _limits = new MessageLimits(_redis.Connection, AccessSetup.BackendNames, Options.Create(_options), _clock);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task So_many_messages_of_a_user_are_let_through_in_a_minute()
    {
        _options.MessagesPerMinute = 2;

        (await TakeAsync("m1", Ana)).ShouldBeNull();
        (await TakeAsync("m2", Ana, "another channel")).ShouldBeNull();
        var reached = await TakeAsync("m3", Ana);
        var again = await TakeAsync("m1", Ana);

        reached!.Text.ShouldBe("The limit of 2 messages a minute");
        (reached.Ends - _clock.GetUtcNow()).ShouldBeInRange(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));
        again.ShouldBeNull();
        (await TakeAsync("m3", new Caller("ben", []))).ShouldBeNull();
        (await TakeAsync("m3", Caller.TrustedProducer)).ShouldBeNull();
    }

    [Fact]
    public async Task The_same_id_from_two_issuers_is_two_users()
    {
        _options.MessagesPerMinute = 1;

        (await TakeAsync("m1", Ana)).ShouldBeNull();
        (await TakeAsync("m2", Ana with { Issuer = "https://login.example.com" })).ShouldBeNull();
        (await TakeAsync("m3", Ana with { Issuer = "backend" })).ShouldNotBeNull("Whom a producer names is one of those who sign in here.");
    }

    [Fact]
    public async Task Messages_without_a_user_are_counted_by_channel()
    {
        _options.MessagesPerMinute = 1;

        (await TakeAsync("m1", Caller.Anonymous)).ShouldBeNull();
        (await TakeAsync("m2", Caller.Anonymous)).ShouldNotBeNull();
        (await TakeAsync("m2", Caller.Anonymous, "c2")).ShouldBeNull();
    }

    [Fact]
    public async Task A_stranger_is_counted_by_source_as_well_and_a_message_that_is_refused_counts_nowhere()
    {
        _options.MessagesPerMinute = 1;
        var (here, there) = (Caller.Anonymous with { Source = "here" }, Caller.Anonymous with { Source = "there" });

        (await TakeAsync("m1", here)).ShouldBeNull();
        (await TakeAsync("m1", here)).ShouldBeNull();
        (await TakeAsync("m2", here, "c2")).ShouldNotBeNull();
        (await TakeAsync("m3", there)).ShouldNotBeNull();
        (await TakeAsync("m3", there, "c2")).ShouldBeNull();
        (await TakeAsync("m4", Ana with { Source = "here" }, "c3")).ShouldBeNull();
    }

    [Fact]
    public async Task Of_many_messages_at_once_no_more_than_the_limit_are_let_through()
    {
        _options.MessagesPerMinute = 5;

        var taken = await Task.WhenAll(Enumerable.Range(0, 50).Select(number => TakeAsync($"m{number}", Ana)));

        taken.Count(reached => reached is null).ShouldBe(5);
    }

    [Fact]
    public async Task A_day_whose_tokens_are_used_up_lets_nothing_through_until_midnight()
    {
        _options.TokensPerDay = 100;
        var ledger = new UsageLedger(_redis.Connection, AccessSetup.BackendNames, Options.Create(_options), _clock);
        await UseAsync("resp_1", 60);
        (await TakeAsync("m1", Ana)).ShouldBeNull();
        await UseAsync("resp_2", 40);
        await UseAsync("resp_2", 40);

        var reached = await TakeAsync("m2", Ana);

        reached!.Text.ShouldBe("The limit of 100 tokens a day");
        reached.Ends.ShouldBe(new DateTimeOffset(_clock.GetUtcNow().UtcDateTime.Date.AddDays(1), TimeSpan.Zero));
        reached.ToString().ShouldEndWith("is reached; it ends at " + reached.Ends.ToString("yyyy-MM-dd") + "T00:00:00Z");
        (await TakeAsync("m1", Ana)).ShouldBeNull();
        _clock.Advance(reached.Ends - _clock.GetUtcNow());
        (await TakeAsync("m2", Ana)).ShouldBeNull();

        Task UseAsync(string response, int tokens) => ledger.CountAsync(
            response, new MessageAddress("c1", "m0", 1), Ana, "cosmo", new TokenUsage(tokens / 2, 0, tokens / 2, "gpt", 1), Cancellation);
    }

    [Fact]
    public async Task Without_a_limit_Redis_is_not_asked()
    {
        var limits = new MessageLimits(null!, AccessSetup.BackendNames, Options.Create(_options), _clock);

        (await limits.TakeAsync(new MessageAddress("c1", "m1", 1), Ana, Cancellation)).ShouldBeNull();
    }

    [Theory]
    [InlineData(61.2, "62")]
    [InlineData(-3, "1")]
    public void A_limit_that_is_reached_says_when_to_come_again(double seconds, string retryAfter)
    {
        var context = new DefaultHttpContext();

        var answer = new ReachedLimit("The limit of 2 messages a minute", _clock.GetUtcNow() + TimeSpan.FromSeconds(seconds)).Answer(context.Request, "Too many", _clock.GetUtcNow());

        context.Response.Headers.RetryAfter.ToString().ShouldBe(retryAfter);
        answer.ShouldBeOfType<ObjectResult>().Value.ShouldBeOfType<ProblemDetails>().ShouldSatisfyAllConditions(
            problem => problem.Status.ShouldBe(429), problem => problem.Title.ShouldBe("Too many"), problem => problem.Detail!.ShouldMatch("^The limit of 2 messages a minute is reached; it ends at .*Z\\.$"));
    }

    [Theory]
    [InlineData(null, null, "backend:ana")]
    [InlineData(null, "true", "platform:ana")]
    [InlineData("https://login.example.com/", "true", "https://login.example.com:ana")]
    public void Whom_a_producer_names_signs_in_where_users_do(string? authority, string? platform, string name)
    {
        using var setup = new AccessSetup(_redis.Connection, _clock, new AccessOptions { Authority = authority is null ? null : new Uri(authority) }, platform);

        setup.Names.Of(Ana).ShouldBe(name);
        setup.Names.Of(Ana with { Issuer = "other" }).ShouldBe("other:ana");
    }

    private Task<ReachedLimit?> TakeAsync(string messageId, Caller caller, string channel = "c1") =>
        _limits.TakeAsync(new MessageAddress(channel, messageId, 1), caller, Cancellation);
}
