using Cosmo.Functions.Delivery;
using Cosmo.Functions.Tests.Local.WebPubSub;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cosmo.Functions.Tests.Delivery;

/// <summary>The app's own WebSocket, at the emulator; the official client listens.</summary>
public sealed class PublisherConnectionTests : IAsyncLifetime
{
    private EmulatedService _service = null!;
    private PublisherConnection _connection = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _service = await EmulatedService.StartAsync();
        _connection = new PublisherConnection(_service.Client, TimeProvider.System, NullLogger<PublisherConnection>.Instance);
        await _connection.StartAsync(Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _connection.StopAsync(CancellationToken.None);
        _connection.Dispose();
        await _service.DisposeAsync();
    }

    [Fact]
    public async Task A_member_of_a_group_gets_what_it_would_by_REST()
    {
        var client = await _service.ConnectAsync(await _service.UrlAsync("a \"group\" / ü"), reliable: false);

        await SentAsync("a \"group\" / ü", """{"x":"ü \" 😀"}""");
        var bySocket = await client.NextAsync("group-message");
        await _service.Client.SendToGroupAsync("a \"group\" / ü", Azure.Core.RequestContent.Create("""{"x":"ü \" 😀"}"""u8.ToArray()), Azure.Core.ContentType.ApplicationJson);
        var byRest = await client.NextAsync("group-message");

        bySocket.GetRawText().ShouldBe(byRest.GetRawText());
    }

    [Fact]
    public async Task Many_at_once_are_all_confirmed_and_arrive_in_their_order()
    {
        var client = await _service.ConnectAsync(await _service.UrlAsync("g"), reliable: false);
        await SentAsync("g", "-1");
        await client.NextAsync("group-message");

        var sent = await Task.WhenAll(Enumerable.Range(0, 500).Select(number => _connection.TrySendAsync("g", System.Text.Encoding.UTF8.GetBytes($"{number}"), Cancellation)));

        sent.ShouldAllBe(isSent => isSent);
        for (var number = 0; number < 500; number++)
        {
            (await client.NextAsync("group-message")).GetProperty("data").GetInt32().ShouldBe(number);
        }
    }

    [Fact]
    public async Task What_is_too_large_for_a_frame_is_not_sent()
    {
        await SentAsync("g", "1");

        (await _connection.TrySendAsync("g", new byte[1_000_000], Cancellation)).ShouldBeFalse();
    }

    [Fact]
    public async Task What_the_service_refuses_is_not_sent_and_the_connection_stays()
    {
        await SentAsync("g", "1");
        await _service.FaultsAsync(new { send = new { status = 503 } });

        (await _connection.TrySendAsync("g", "2"u8.ToArray(), Cancellation)).ShouldBeFalse();
        await _service.FaultsAsync(new { });

        (await _connection.TrySendAsync("g", "3"u8.ToArray(), Cancellation)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_connection_that_confirms_nothing_is_given_up_with_all_that_it_has_and_made_anew()
    {
        await SentAsync("g", "1");
        await _service.FaultsAsync(new { delayMs = 60_000 });

        var sent = await Task.WhenAll(_connection.TrySendAsync("g", "2"u8.ToArray(), Cancellation), _connection.TrySendAsync("h", "3"u8.ToArray(), Cancellation));
        await _service.FaultsAsync(new { });

        sent.ShouldBe([false, false]);
        await SentAsync("g", "4");
    }

    [Fact]
    public async Task A_connection_that_is_cut_off_is_made_anew()
    {
        await SentAsync("g", "1");

        await _service.DropSocketsAsync();

        await SentAsync("g", "2");
    }

    [Fact]
    public async Task Nothing_is_sent_for_somebody_who_has_given_up()
    {
        await SentAsync("g", "1");

        await Should.ThrowAsync<OperationCanceledException>(() => _connection.TrySendAsync("g", "2"u8.ToArray(), new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task Without_a_service_nothing_is_sent_and_nothing_fails()
    {
        var nowhere = new Azure.Messaging.WebPubSub.WebPubSubServiceClient("Endpoint=http://127.0.0.1:1;AccessKey=some-key-of-some-length-for-this-test;Version=1.0;", "cosmo");
        using var connection = new PublisherConnection(nowhere, TimeProvider.System, NullLogger<PublisherConnection>.Instance);
        await connection.StartAsync(Cancellation);

        (await connection.TrySendAsync("g", "1"u8.ToArray(), Cancellation)).ShouldBeFalse();
        await connection.StopAsync(Cancellation);
    }

    /// <summary>Sends, as soon as there is a connection.</summary>
    private async Task SentAsync(string group, string json)
    {
        while (!await _connection.TrySendAsync(group, System.Text.Encoding.UTF8.GetBytes(json), Cancellation))
        {
            await Task.Delay(5, Cancellation);
        }
    }
}
