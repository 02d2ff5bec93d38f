using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Threading.Channels;
using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Receiving;
using Cosmo.Functions.Tests.Infra;
using Cosmo.Local.Emulators;
using Cosmo.Local.Host;

namespace Cosmo.Functions.Tests.Local;

/// <summary>The events of clients that Web PubSub gives to the app: one list for the app, this machine and Azure.</summary>
public sealed class ClientEventListTests : IDisposable
{
    private const string List = "Cosmo.Functions/Receiving/client-events.json";

    private readonly string _folder = Directory.CreateTempSubdirectory("cosmo-events-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_app_takes_what_Web_PubSub_is_told_to_give()
    {
        ClientEvents.Names.ShouldBe(JsonSerializer.Deserialize<string[]>(File.ReadAllText(Path.Combine(Repository(), List))));
        LocalServices.UserEvents.ShouldBe(string.Join(',', ClientEvents.Names));
        var handler = (await AzureTemplate.GetAsync()).EventHandler.One("Microsoft.SignalRService/webPubSub/hubs")["properties"]!["eventHandlers"]![0]!;
        handler["userEventPattern"]!.GetValue<string>().ShouldBe(string.Join(',', ClientEvents.Names));
    }

    [Fact]
    public async Task Every_event_of_the_list_arrives_with_the_settings_that_run_uses()
    {
        var arrived = Channel.CreateUnbounded<string>();
        await using var functions = await HttpStub.StartAsync(context =>
        {
            context.Response.Headers["WebHook-Allowed-Origin"] = "*";
            if (context.Request.Method == "POST")
            {
                arrived.Writer.TryWrite($"{context.Request.Path} {context.Request.Headers["ce-type"]}");
            }

            return Task.CompletedTask;
        });
        var sample = LocalSettings.Read(Path.Combine(Repository(), "local.settings.sample.json"));
        var key = sample.Settings["WEB_PUBSUB_CONNECTION_STRING"]!.Split("AccessKey=")[1];
        var settings = sample with
        {
            Settings = new Dictionary<string, string?> { ["WEB_PUBSUB_CONNECTION_STRING"] = $"Endpoint=http://127.0.0.1:0;AccessKey={key}", ["WEB_PUBSUB_HUB"] = sample.Settings["WEB_PUBSUB_HUB"] },
            AllowedOrigins = [],
            HttpPort = functions.Url.Port,
        };
        await using var services = await LocalServices.StartAsync(settings, _folder, Cancellation);
        var address = services.Lines.Single(line => line.StartsWith("Web PubSub emulator listening at ")).Split(' ')[^1];
        var client = new WebPubSubServiceClient($"Endpoint={address};AccessKey={key}", sample.Settings["WEB_PUBSUB_HUB"]!);
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("json.webpubsub.azure.v1");
        await socket.ConnectAsync(await client.GetClientAccessUriAsync(userId: "ana", cancellationToken: Cancellation), Cancellation);

        foreach (var name in ClientEvents.Names)
        {
            var frame = JsonSerializer.SerializeToUtf8Bytes(new { type = "event", @event = name, dataType = "json", data = new { message_id = "m1" } });
            await socket.SendAsync(frame, WebSocketMessageType.Text, endOfMessage: true, Cancellation);

            (await arrived.Reader.ReadAsync(Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(10), Cancellation)).ShouldBe($"/api/webpubsub/events azure.webpubsub.user.{name}");
        }
    }

    private static string Repository([CallerFilePath] string source = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(source)!, "..", ".."));
}
