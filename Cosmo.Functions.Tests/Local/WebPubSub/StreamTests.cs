namespace Cosmo.Functions.Tests.Local.WebPubSub;

/// <summary>Streams in groups, through the official client on both ends.</summary>
public sealed class StreamTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stream_reaches_the_group_in_order_and_ends(bool reliable)
    {
        await using var service = await EmulatedService.StartAsync();
        var reader = await service.ConnectAsync(await service.UrlAsync("g", "reader"), reliable);
        await reader.RunAsync("listenToStreams");
        var writer = await service.ConnectAsync(await service.UrlAsync("other", "writer", "webpubsub.sendToGroup.g"), reliable);

        var stream = (await writer.RunAsync("openStream", new { group = "g" })).GetString();
        foreach (var data in (string[])["one", "two", "three"])
        {
            await writer.RunAsync("writeStream", new { stream, data });
        }

        await writer.RunAsync("endStream", new { stream });

        foreach (var data in (string[])["one", "two", "three"])
        {
            var received = await reader.NextAsync("stream-data");
            received.GetProperty("data").GetString().ShouldBe(data);
            received.GetProperty("fromUserId").GetString().ShouldBe("writer");
        }

        (await reader.NextAsync("stream-end")).TryGetProperty("error", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task A_stream_that_its_publisher_breaks_off_ends_with_the_reason()
    {
        await using var service = await EmulatedService.StartAsync();
        var reader = await service.ConnectAsync(await service.UrlAsync("g"));
        await reader.RunAsync("listenToStreams");
        var writer = await service.ConnectAsync(await service.UrlAsync(null, null, "webpubsub.sendToGroup.g"));
        var stream = (await writer.RunAsync("openStream", new { group = "g" })).GetString();

        await writer.RunAsync("writeStream", new { stream, data = "one" });
        await writer.RunAsync("endStream", new { stream, error = new { message = "no more", userErrorCode = "E1" } });

        var error = (await reader.NextAsync("stream-end")).GetProperty("error");
        error.GetProperty("name").GetString().ShouldBe("UserError");
        error.GetProperty("message").GetString().ShouldBe("no more");
        error.GetProperty("userErrorCode").GetString().ShouldBe("E1");
    }

    [Fact]
    public async Task A_stream_needs_the_right_to_publish()
    {
        await using var service = await EmulatedService.StartAsync();
        var writer = await service.ConnectAsync(await service.UrlAsync("g"));

        (await writer.FailAsync("openStream", new { group = "g" })).GetProperty("message").GetString()!.ShouldContain("no permission to send to group 'g'");
    }

    [Fact]
    public async Task A_stream_on_which_nothing_comes_ends_by_itself()
    {
        var time = new ManualTimeProvider();
        time.Advance(DateTimeOffset.UtcNow - time.GetUtcNow() + TimeSpan.FromSeconds(5));
        await using var service = await EmulatedService.StartAsync(time: time);
        var writer = await service.ConnectAsync(await service.UrlAsync("g", null, "webpubsub.sendToGroup.g"));
        var stream = (await writer.RunAsync("openStream", new { group = "g", idleTimeoutInMs = 7000 })).GetString();

        time.Advance(TimeSpan.FromSeconds(7));

        (await writer.NextAsync("stream-error")).GetProperty("stream").GetString().ShouldBe(stream);
    }

    [Fact]
    public async Task What_comes_twice_is_published_once_and_after_a_gap_is_told_where_to_go_on()
    {
        await using var service = await EmulatedService.StartAsync();
        var reader = await service.OpenSocketAsync(await service.UrlAsync("g"));
        var writer = await service.OpenSocketAsync(await service.UrlAsync(null, null, "webpubsub.sendToGroup.g"), "json.webpubsub.azure.v1");
        await writer.NextAsync("message");

        await SendAsync("""{"type":"sendToGroup","group":"g","stream":{"streamId":"s"}}""", """{"type":"streamAck","streamId":"s","expectedSequenceId":1}""");
        await SendAsync(Data(2), """{"type":"streamNack","streamId":"s","name":"InvalidSequenceId","message":"Message 1 is expected, not 2.","expectedSequenceId":1}""");
        await SendAsync(Data(1), """{"type":"streamAck","streamId":"s","expectedSequenceId":2}""");
        await SendAsync(Data(1), """{"type":"streamAck","streamId":"s","expectedSequenceId":2}""");
        await SendAsync(Data(2), """{"type":"streamAck","streamId":"s","expectedSequenceId":3}""");
        await SendAsync("""{"type":"streamEnd","streamId":"s"}""", """{"type":"streamClosed","streamId":"s"}""");
        await SendAsync(Data(3), """{"type":"streamClosed","streamId":"s","error":{"name":"StreamNotFound","message":"There is no such stream."}}""");
        await service.SendTextAsync("g", "after");

        foreach (var text in (string[])["n1", "n2", "after"])
        {
            (await reader.NextAsync("message")).GetProperty("data").GetString().ShouldBe(text);
        }

        async Task SendAsync(string frame, string answer)
        {
            await writer.RunAsync("send", new { data = frame });
            (await writer.NextAsync("message")).GetProperty("data").GetString().ShouldBe(answer);
        }
    }

    private static string Data(int number) => $$"""{"type":"streamData","streamId":"s","streamSequenceId":{{number}},"dataType":"text","data":"n{{number}}"}""";
}
