using Cosmo.Functions.Access;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using StackExchange.Redis;

namespace Cosmo.Functions.Tests.Access;

public sealed class ChannelOwnersTests : IAsyncDisposable
{
    private const int Day = 86_400;

    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _time = new();
    private readonly AccessSetup _access;
    private readonly ChannelOwners _owners;

    public ChannelOwnersTests()
    {
        _access = new AccessSetup(_redis.Connection, _time, new AccessOptions { Mode = "owner" });
        _owners = _access.Owners;
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private double Now => _time.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;

    public async ValueTask DisposeAsync()
    {
        _access.Dispose();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task A_new_channel_is_the_first_ones_who_opens_it_until_a_message_names_its_user()
    {
        (await ClaimAsync("backend:ana")).ShouldBe("backend:ana");
        (await ClaimAsync("backend:ben")).ShouldBe("backend:ana");

        (await NameAsync("eve")).ShouldBe("backend:eve");
        (await NameAsync("ana")).ShouldBe("backend:eve");
        (await ClaimAsync("backend:ana")).ShouldBe("backend:eve");
        (await FindAsync()).ShouldBe("backend:eve");
    }

    [Fact]
    public async Task A_claim_that_a_message_confirms_is_firm()
    {
        await ClaimAsync("backend:ana");
        await NameAsync("ana");

        (await NameAsync("eve")).ShouldBe("backend:ana");
    }

    [Fact]
    public async Task A_channel_with_a_thread_alone_is_nobodys_until_one_is_named()
    {
        await WriteThreadAsync();
        (await ClaimAsync("backend:ana")).ShouldBeNull();

        (await NameAsync("ana")).ShouldBe("backend:ana");
        (await ClaimAsync("backend:ana")).ShouldBe("backend:ana");
    }

    [Fact]
    public async Task An_operators_word_counts_whoever_it_was_and_lasts_as_long_as_the_thread()
    {
        await NameAsync("ana");

        (await _owners.SetAsync("c1", new Caller("ben", []) { Issuer = "https://login.example.com" }, TimeSpan.FromDays(3), Cancellation)).Name.ShouldBe("https://login.example.com:ben");

        (await NameAsync("ana")).ShouldBe("https://login.example.com:ben");
        (await LifeAsync()).ShouldBeInRange((3 * Day) - 5, 3 * Day);
    }

    [Fact]
    public async Task Many_who_open_it_at_once_find_one_owner()
    {
        var found = await Task.WhenAll(Enumerable.Range(0, 20).Select(number => ClaimAsync($"backend:{number}")));

        found.Distinct().Count().ShouldBe(1);
    }

    [Fact]
    public async Task It_lives_for_a_day_and_with_a_thread_as_long_as_that()
    {
        await ClaimAsync("backend:ana");
        (await LifeAsync()).ShouldBeInRange(Day - 5, Day);

        await _owners.KeepAsync("c1", 9 * Day, Cancellation);
        await NameAsync("ana");
        (await LifeAsync()).ShouldBeInRange((9 * Day) - 5, 9 * Day);
    }

    [Fact]
    public async Task What_is_forgotten_may_be_claimed_and_nothing_names_the_user_any_more()
    {
        await NameAsync("ana");
        await _owners.ForgetAsync("c1", Now, Cancellation);

        (await FindAsync()).ShouldBeNull();
        (await DumpAsync()).ShouldNotContain("ana");
        var next = await _owners.FindOrClaimAsync("c1", "backend:ben", Cancellation);
        (next!.Name, next.IsUnsettled, next.HadAnother).ShouldBe(("backend:ben", true, true));
    }

    [Fact]
    public async Task Whom_a_message_named_since_the_removal_began_is_kept()
    {
        var begun = Now;
        _time.Advance(TimeSpan.FromSeconds(1));
        await NameAsync("ana");

        await _owners.ForgetAsync("c1", begun, Cancellation);

        (await FindAsync()).ShouldBe("backend:ana");
    }

    [Fact]
    public async Task A_change_stays_noted_until_the_others_are_out_of_the_group()
    {
        var claimed = (await _owners.FindOrClaimAsync("c1", "backend:ana", Cancellation))!;
        (claimed.IsUnsettled, claimed.HadAnother).ShouldBe((true, false));
        await _owners.SettleAsync(claimed, Cancellation);
        (await _owners.FindOrClaimAsync("c1", "backend:ana", Cancellation))!.IsUnsettled.ShouldBeFalse();

        var named = (await _owners.NameAsync("c1", new Caller("eve", []), Cancellation))!;
        (named.IsUnsettled, named.HadAnother).ShouldBe((true, true));
        (await _owners.NameAsync("c1", new Caller("eve", []), Cancellation))!.ShouldBe(named);
        await _owners.SettleAsync(claimed, Cancellation);
        (await _owners.NameAsync("c1", new Caller("eve", []), Cancellation))!.ShouldBe(named);
        await _owners.SettleAsync(named, Cancellation);
        (await _owners.NameAsync("c1", new Caller("eve", []), Cancellation))!.IsUnsettled.ShouldBeFalse();
    }

    [Fact]
    public async Task What_is_watched_is_one_workers_at_a_time_and_until_its_end()
    {
        await _owners.WatchAsync("c1", _time.GetUtcNow().AddMinutes(60), Cancellation);

        (await _owners.TakeWatchedAsync(TimeSpan.FromMilliseconds(1), Cancellation)).ShouldBe(["c1"]);
        await ExpiredAsync("{owners}:watching");
        _time.Advance(TimeSpan.FromMinutes(59));
        (await _owners.TakeWatchedAsync(TimeSpan.FromMinutes(1), Cancellation)).ShouldBe(["c1"]);
        (await _owners.TakeWatchedAsync(TimeSpan.FromMinutes(1), Cancellation)).ShouldBeEmpty();
        await _redis.Connection.RunAsync(database => database.KeyDeleteAsync(_redis.Prefix + "{owners}:watching"), Cancellation);
        _time.Advance(TimeSpan.FromMinutes(2));
        (await _owners.TakeWatchedAsync(TimeSpan.FromMinutes(1), Cancellation)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(null, false, null, "backend:ana")]
    [InlineData(null, true, null, "platform:ana")]
    [InlineData("https://login.example.com/tenant/", true, null, "https://login.example.com/tenant:ana")]
    [InlineData("https://login.example.com/tenant/", false, "backend", "backend:ana")]
    public async Task A_user_without_an_issuer_is_one_of_those_who_sign_in_here(string? authority, bool platform, string? issuer, string name)
    {
        using var access = new AccessSetup(
            _redis.Connection, _time, new AccessOptions { Mode = "owner", Authority = authority is null ? null : new Uri(authority) }, platform ? "True" : null);

        (await access.Owners.NameAsync("c1", new Caller("ana", []) { Issuer = issuer }, Cancellation))!.Name.ShouldBe(name);
    }

    [Theory]
    [InlineData("open")]
    [InlineData("claim")]
    public async Task Where_channels_have_no_owners_a_message_names_none(string mode)
    {
        _access.Options.Mode = mode;

        (await _owners.NameAsync("c1", new Caller("ana", []), Cancellation)).ShouldBeNull();

        (await FindAsync()).ShouldBeNull();
    }

    private async Task<string?> ClaimAsync(string user) => (await _owners.FindOrClaimAsync("c1", user, Cancellation))?.Name;

    private async Task<string> NameAsync(string id) => (await _owners.NameAsync("c1", new Caller(id, []), Cancellation))!.Name;

    private Task<string?> FindAsync() => _owners.FindAsync("c1", Cancellation);

    private Task<bool> WriteThreadAsync() =>
        _redis.Connection.RunAsync(database => database.StringSetAsync(RedisKeys.Thread(_redis.Prefix, "c1"), "thread_old"), Cancellation);

    private Task<double> LifeAsync() => _redis.Connection.RunAsync(
        async database => (await database.KeyTimeToLiveAsync(RedisKeys.ForChannel(_redis.Prefix, "owner", "c1")))!.Value.TotalSeconds, Cancellation);

    private Task<string> DumpAsync() => _redis.Connection.RunAsync(
        async database => string.Join(' ', (await database.HashGetAllAsync(RedisKeys.ForChannel(_redis.Prefix, "owner", "c1"))).Select(entry => entry.ToString())), Cancellation);

    private async Task ExpiredAsync(string key)
    {
        while (await _redis.Connection.RunAsync(database => database.KeyExistsAsync(_redis.Prefix + key), Cancellation))
        {
            await Task.Yield();
        }
    }
}
