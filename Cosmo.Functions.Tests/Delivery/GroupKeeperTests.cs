using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Access;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Access;
using Cosmo.Functions.Tests.EndToEnd;
using Cosmo.Functions.Tests.Local.WebPubSub;

namespace Cosmo.Functions.Tests.Delivery;

/// <summary>Who is in a channel's group after it was given to somebody, at a Web PubSub that is there.</summary>
public sealed class GroupKeeperTests : IAsyncLifetime
{
    private static readonly Caller Eve = new("eve", []);

    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _time = new();
    private readonly List<ChatClient> _clients = [];
    private EmulatedService _service = null!;
    private AccessSetup _access = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _service = await EmulatedService.StartAsync();
        _access = new AccessSetup(_redis.Connection, _time, new AccessOptions { Mode = "owner" }, webPubSub: _service.Client);
    }

    public async ValueTask DisposeAsync()
    {
        await _access.Groups.StopAsync(CancellationToken.None);
        foreach (var client in _clients)
        {
            await client.DisposeAsync();
        }

        _access.Dispose();
        await _service.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task When_a_message_names_another_owner_all_others_are_taken_out_and_the_owner_stays()
    {
        await _access.Owners.FindOrClaimAsync("c1", "backend:ana", Cancellation);
        await OpenAsync(UserId("ana", "backend"), UserId("eve", "platform"), UserId(null, null), null, UserId("eve", "backend"));

        await _access.Groups.NameOwnerAsync("c1", Eve, Cancellation);

        (await MembersAsync()).ShouldBe([UserId("eve", "backend")]);
    }

    [Fact]
    public async Task So_are_those_who_listen_for_what_is_new_alone()
    {
        foreach (var user in (string?[])[UserId("ana", "backend"), UserId("eve", "backend")])
        {
            _clients.Add(await ChatClient.ConnectAsync(new Uri(await _service.UrlAsync(GroupName.ForDeltas("c1"), user))));
        }

        await _access.Groups.NameOwnerAsync("c1", Eve, Cancellation);

        (await MembersAsync(GroupName.ForDeltas("c1"))).ShouldBe([UserId("eve", "backend")]);
    }

    [Fact]
    public async Task More_than_one_page_of_others_is_taken_out()
    {
        var others = Enumerable.Range(0, 230).Select(number => (string?)UserId($"{number}", "backend")).ToArray();
        await OpenAsync([.. others, UserId("eve", "backend")]);

        await _access.Groups.NameOwnerAsync("c1", Eve, Cancellation);

        (await MembersAsync()).ShouldBe([UserId("eve", "backend")]);
    }

    [Fact]
    public async Task Who_comes_again_with_a_token_that_lives_is_taken_out_again()
    {
        await _access.Owners.FindOrClaimAsync("c1", "backend:ana", Cancellation);
        await _access.Groups.NameOwnerAsync("c1", Eve, Cancellation);
        await OpenAsync(UserId("ana", "backend"), UserId("eve", "backend"));
        (await MembersAsync()).Length.ShouldBe(2);

        await KeepUntilAsync(members: 1);

        (await MembersAsync()).ShouldBe([UserId("eve", "backend")]);

        // By one instance of several, and not for so long that it would miss its own next turn.
        var taken = await _redis.Connection.RunAsync(database => database.KeyTimeToLiveAsync(_redis.Prefix + "{owners}:watching"), Cancellation);
        (taken ?? TimeSpan.Zero).ShouldBeLessThanOrEqualTo(TimeSpan.FromSeconds(4));
    }

    [Fact]
    public async Task What_Web_PubSub_did_not_do_is_done_later()
    {
        using var away = new AccessSetup(
            _redis.Connection, _time, _access.Options, webPubSub: new WebPubSubServiceClient($"Endpoint={_service.Emulator.Url};AccessKey=some-other-key-altogether;Version=1.0;", EmulatedService.Hub));
        await OpenAsync(UserId("ana", "backend"));
        await away.Groups.NameOwnerAsync("c1", Eve, Cancellation);
        (await MembersAsync()).Length.ShouldBe(1);

        await KeepUntilAsync(members: 0);
    }

    [Fact]
    public async Task A_new_channel_in_whose_group_nobody_is_is_not_watched()
    {
        await _access.Groups.NameOwnerAsync("c1", Eve, Cancellation);

        (await _access.Owners.TakeWatchedAsync(TimeSpan.FromSeconds(1), Cancellation)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task One_that_was_another_s_or_in_whose_group_others_were_is_watched_for_as_long_as_an_address_lives(bool hadAnother, bool hadOthers)
    {
        await (hadAnother ? _access.Owners.FindOrClaimAsync("c1", "backend:ana", Cancellation) : Task.CompletedTask);
        await (hadOthers ? OpenAsync(UserId("ana", "backend")) : Task.CompletedTask);

        (await _access.Groups.NameOwnerAsync("c1", Eve, Cancellation))!.Name.ShouldBe("backend:eve");

        (await _access.Owners.FindOrClaimAsync("c1", "backend:eve", Cancellation))!.IsUnsettled.ShouldBeFalse();
        var score = await _redis.Connection.RunAsync(database => database.SortedSetScoreAsync(_redis.Prefix + "{owners}:watched", "c1"), Cancellation);
        score.ShouldBe(_time.GetUtcNow().AddMinutes(60).ToUnixTimeMilliseconds());
    }

    [Fact]
    public async Task Who_was_named_long_ago_costs_nothing_and_where_channels_have_no_owners_nobody_is_watched()
    {
        await OpenAsync(UserId("ana", "backend"));
        await _access.Groups.SettleAsync(new ChannelOwner("c1", "backend:eve", IsUnsettled: false, HadAnother: true), Cancellation);
        (await MembersAsync()).Length.ShouldBe(1);
        _access.Options.Mode = "claim";

        await _access.Groups.StartAsync(Cancellation);
        await _access.Groups.ExecuteTask!.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);

        _time.TimersMade.ShouldBe(0);
        (await _access.Groups.NameOwnerAsync("c1", Eve, Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task A_turn_that_fails_is_not_the_last()
    {
        await _access.Owners.FindOrClaimAsync("c1", "backend:ana", Cancellation);
        await _access.Groups.NameOwnerAsync("c1", Eve, Cancellation);
        await OpenAsync(UserId("ana", "backend"));
        await _redis.Connection.RunAsync(database => database.KeyRenameAsync(_redis.Prefix + "{owners}:watched", _redis.Prefix + "{owners}:away"), Cancellation);
        await _redis.Connection.RunAsync(database => database.StringSetAsync(_redis.Prefix + "{owners}:watched", "no list"), Cancellation);
        await _access.Groups.StartAsync(Cancellation);
        var turn = TimeSpan.FromSeconds(5);
        await _time.TimerSetForAsync(turn);
        _time.Advance(turn);
        await Eventually.IsSoAsync(
            () => _redis.Connection.RunAsync(database => database.KeyExistsAsync(_redis.Prefix + "{owners}:watching"), Cancellation), () => "No turn has begun.", Cancellation);
        (await MembersAsync()).Length.ShouldBe(1);

        await _redis.Connection.RunAsync(
            database => database.KeyRenameAsync(_redis.Prefix + "{owners}:away", _redis.Prefix + "{owners}:watched"), Cancellation);
        await _redis.Connection.RunAsync(database => database.KeyDeleteAsync(_redis.Prefix + "{owners}:watching"), Cancellation);
        _time.Advance(turn);

        await Eventually.IsSoAsync(async () => (await MembersAsync()).Length == 0, () => "The other is still in the group.", Cancellation);
    }

    private static string UserId(string? id, string? issuer) =>
        new ConnectionIdentity("c1", new Caller(id, []), issuer, DateTimeOffset.UnixEpoch).ToUserId();

    private async Task OpenAsync(params string?[] users)
    {
        foreach (var user in users)
        {
            _clients.Add(await ChatClient.ConnectAsync(new Uri(await _service.UrlAsync("c1", user))));
        }
    }

    private async Task KeepUntilAsync(int members)
    {
        var turn = TimeSpan.FromSeconds(5);
        await _access.Groups.StartAsync(Cancellation);
        await _time.TimerSetForAsync(turn);
        _time.Advance(turn);
        string?[] found = [];
        await Eventually.IsSoAsync(async () => (found = await MembersAsync()).Length == members, () => $"In the group are {string.Join(", ", found)}.", Cancellation);
    }

    private async Task<string?[]> MembersAsync(string group = "c1")
    {
        var members = new List<string?>();
        await foreach (var member in _service.Client.ListConnectionsInGroupAsync(group).WithCancellation(Cancellation))
        {
            members.Add(member.UserId);
        }

        return [.. members];
    }
}
