using Cosmo.Functions.Delivery;
using Cosmo.Functions.Tests.EndToEnd;
using Cosmo.Functions.Tests.Local.WebPubSub;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cosmo.Functions.Tests.Delivery;

/// <summary>Whether anybody listens for what is new alone, at a Web PubSub that is there.</summary>
public sealed class DeltaListenersTests : IAsyncLifetime
{
    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _time = new();
    private EmulatedService _service = null!;
    private DeltaListeners _listeners = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _service = await EmulatedService.StartAsync();
        _listeners = new DeltaListeners(_redis.Connection, _service.Client, _time, NullLogger<DeltaListeners>.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        await _service.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task Who_listens_on_after_the_address_has_ended_counts_until_the_connection_ends()
    {
        await _listeners.NoteAsync("c1", _time.GetUtcNow(), Cancellation);
        var noted = await UntilAsync();
        await using (await ChatClient.ConnectAsync(new Uri(await _service.UrlAsync(GroupName.ForDeltas("c1")))))
        {
            await _listeners.CheckAsync("c1", noted!.Value);
            (await UntilAsync()).ShouldBe(noted);

            _time.Advance(TimeSpan.FromMinutes(6));
            await _listeners.CheckAsync("c1", noted.Value);
            (await UntilAsync() - _time.GetUtcNow()).ShouldBe(TimeSpan.FromMinutes(65));
        }

        while (await UntilAsync() is { } until)
        {
            // Until Web PubSub has noticed that the connection has ended, it counts for another hour.
            _time.Advance(TimeSpan.FromMinutes(66));
            await _listeners.CheckAsync("c1", until);
        }
    }

    [Fact]
    public async Task An_address_that_was_given_while_it_was_asked_is_not_forgotten()
    {
        await _listeners.NoteAsync("c1", _time.GetUtcNow(), Cancellation);
        var noted = (await UntilAsync())!.Value;
        _time.Advance(TimeSpan.FromMinutes(6));
        await _listeners.NoteAsync("c1", _time.GetUtcNow() + TimeSpan.FromHours(1), Cancellation);

        await _listeners.CheckAsync("c1", noted);

        (await UntilAsync() - _time.GetUtcNow()).ShouldBe(TimeSpan.FromMinutes(65));
    }

    [Fact]
    public async Task The_address_that_lives_longest_counts_and_what_is_noted_expires()
    {
        await _listeners.NoteAsync("c1", _time.GetUtcNow() + TimeSpan.FromHours(1), Cancellation);
        await _listeners.NoteAsync("c1", _time.GetUtcNow(), Cancellation);

        (await UntilAsync() - _time.GetUtcNow()).ShouldBe(TimeSpan.FromMinutes(65));
        (await _redis.Connection.RunAsync(database => database.KeyTimeToLiveAsync(DeltaListeners.Key(_redis.Prefix, "c1")), Cancellation))!.Value.ShouldBeInRange(TimeSpan.FromDays(7.9), TimeSpan.FromDays(8));
    }

    [Fact]
    public async Task While_Web_PubSub_is_asked_nobody_else_asks_and_afterwards_somebody_may()
    {
        await _listeners.NoteAsync("c1", _time.GetUtcNow(), Cancellation);
        var noted = (await UntilAsync())!.Value;
        _time.Advance(TimeSpan.FromMinutes(6));
        var answer = new TaskCompletionSource();
        await using var slow = await HttpStub.StartAsync(async context =>
        {
            await answer.Task.WaitAsync(context.RequestAborted);
            await context.Response.WriteAsJsonAsync(new { value = Array.Empty<object>() });
        });
        var listeners = new DeltaListeners(
            _redis.Connection, new($"Endpoint={slow.Url};AccessKey=some-key-of-some-length-for-this-test;Version=1.0;", "cosmo"), _time, NullLogger<DeltaListeners>.Instance);

        var asking = listeners.CheckAsync("c1", noted);
        await listeners.CheckAsync("c1", noted).WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        asking.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(5));
        await asking.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        (await UntilAsync()).ShouldBe(noted, "Nobody has said that nobody listens.");
        answer.SetResult();
        await listeners.CheckAsync("c1", noted);

        (await UntilAsync()).ShouldBeNull();
    }

    private async Task<DateTimeOffset?> UntilAsync() =>
        (long?)await _redis.Connection.RunAsync(database => database.StringGetAsync(DeltaListeners.Key(_redis.Prefix, "c1")), Cancellation) is { } until
            ? DateTimeOffset.FromUnixTimeMilliseconds(until)
            : null;
}
