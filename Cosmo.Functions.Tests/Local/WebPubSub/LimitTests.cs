using System.Net.Http.Json;
using System.Text.Json;
using Cosmo.Local.Emulators.WebPubSub;

namespace Cosmo.Functions.Tests.Local.WebPubSub;

public sealed class LimitTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_client_that_does_not_read_is_closed_and_does_not_hold_up_the_others()
    {
        await using var service = await EmulatedService.StartAsync();
        var reader = await service.OpenSocketAsync(await service.UrlAsync("g"));
        var sleeper = await service.OpenSocketAsync(await service.UrlAsync("g"));
        await sleeper.RunAsync("stopReading");
        var text = new string('x', 1_000_000);

        for (var sends = 0; (await service.StatsAsync()).GetProperty("slowClientsClosed").GetInt32() == 0; sends++)
        {
            sends.ShouldBeLessThan(60);
            await service.SendTextAsync("g", text);
            await reader.NextAsync("message");
        }

        (await service.StatsAsync()).GetProperty("connections").GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task A_frame_of_more_than_a_megabyte_closes_the_connection()
    {
        await using var service = await EmulatedService.StartAsync();
        var socket = await service.OpenSocketAsync(await service.UrlAsync("g"));

        await socket.RunAsync("sendMuch", new { bytes = (1024 * 1024) + 1 });

        (await socket.NextAsync("close")).GetProperty("code").GetInt32().ShouldBe(1009);
    }

    [Theory]
    [InlineData("http://0.0.0.0:7072")]
    [InlineData("http://192.168.1.1:7072")]
    [InlineData("https://127.0.0.1:7072")]
    public async Task The_emulator_listens_on_loopback_only(string url)
    {
        var exception = await Should.ThrowAsync<ArgumentException>(
            () => WebPubSubEmulator.StartAsync(new WebPubSubEmulatorOptions { Url = new Uri(url), AccessKey = EmulatedService.AccessKey }, Cancellation));

        exception.Message.ShouldContain("http://127.0.0.1:PORT");
    }

    [Fact]
    public async Task A_send_waits_as_long_as_a_fault_says()
    {
        var time = new ManualTimeProvider();
        time.Advance(DateTimeOffset.UtcNow - time.GetUtcNow() + TimeSpan.FromSeconds(5));
        await using var service = await EmulatedService.StartAsync(time: time);
        await service.FaultsAsync(new { delayMs = 5000 });
        var send = service.Client.SendToGroupAsync("g", "hello");

        await time.TimersSetAsync();
        send.IsCompleted.ShouldBeFalse();
        time.Advance(TimeSpan.FromSeconds(5));

        (await send).Status.ShouldBe(202);
    }

    [Fact]
    public async Task Faults_that_make_no_sense_are_refused()
    {
        await using var service = await EmulatedService.StartAsync();
        using var http = new HttpClient { BaseAddress = service.Emulator.Url };

        var answer = await http.PutAsJsonAsync("emulator/faults", new { send = new { status = 200 } }, Cancellation);

        ((int)answer.StatusCode).ShouldBe(400);
        (await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("message").GetString().ShouldBe("A status must be from 400 to 599.");
    }

    [Fact]
    public async Task An_unknown_path_and_health_are_told_apart()
    {
        await using var service = await EmulatedService.StartAsync();
        using var http = new HttpClient { BaseAddress = service.Emulator.Url };

        using var health = new HttpRequestMessage(HttpMethod.Head, "api/health");
        ((int)(await http.SendAsync(health, Cancellation)).StatusCode).ShouldBe(200);
        ((int)(await http.GetAsync("nowhere", Cancellation)).StatusCode).ShouldBe(404);
    }
}
