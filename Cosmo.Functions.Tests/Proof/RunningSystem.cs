using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Tests.Proof;

/// <summary>Where a system is that runs already.</summary>
/// <param name="Url">Its address, up to <c>/api</c>.</param>
/// <param name="Key">Its master key.</param>
/// <param name="Broker">Its RabbitMQ.</param>
/// <param name="Exchange">The exchange that its producers publish to.</param>
/// <param name="RoutingKey">With this routing key.</param>
internal sealed record RunningSystemAddress(Uri Url, string Key, string Broker, string Exchange, string RoutingKey);

/// <summary>
/// A system that runs already, wherever: nothing of it is broken. It is asked over its RabbitMQ, listened to as its users do, and looked at as its operators do. What its model's service holds is not looked at.
/// </summary>
internal sealed class RunningSystem : SystemUnderTest
{
    private const string User = "cosmo-check";

    private readonly RunningSystemAddress _at;

    public RunningSystem(RunningSystemAddress at)
    {
        _at = at;
        Http = new HttpClient { BaseAddress = new Uri(at.Url.AbsoluteUri.TrimEnd('/') + "/"), Timeout = TimeSpan.FromSeconds(100) };
        Http.DefaultRequestHeaders.Add("x-functions-key", at.Key);
    }

    protected override HttpClient Http { get; }

    /// <summary>An operator's, which are open whoever may open channels.</summary>
    protected override string Channels => "operator/channels";

    public override Producer NewProducer() => new(_at.Broker, _at.Exchange, _at.RoutingKey);

    /// <summary>As a host application's back end does it, which goes whoever may open channels.</summary>
    public override Task<Uri> NegotiateAsync(string channel, CancellationToken cancellationToken) =>
        AskForAddressAsync($"channels/{RouteName.Write(channel)}/tokens", new JsonObject { ["user"] = new JsonObject { ["id"] = User, ["channels"] = new JsonArray(channel) } }, cancellationToken);

    /// <summary>Of the newest, which it leaves where they are.</summary>
    public override async Task<IReadOnlyList<Letter>> LettersAsync(IReadOnlyCollection<string> messageIds, CancellationToken cancellationToken) =>
    [
        .. (await Http.GetFromJsonAsync<JsonObject>("dead-letters", cancellationToken))!["dead_letters"]!.AsArray()
            .Select(letter => new Letter(HistoryRecorder.Now, letter!["message_id"]?.GetValue<string>() ?? "", letter["cause"]!.GetValue<string>()))
            .Where(letter => messageIds.Contains(letter.MessageId)),
    ];

    public override Task<IReadOnlyList<JsonNode>?> ItemsAsync(string threadId) => Task.FromResult<IReadOnlyList<JsonNode>?>(null);

    /// <summary>Deletes the threads, with the conversations and the dead letters of them.</summary>
    public override async Task ForgetAsync(IReadOnlyCollection<string> channels, CancellationToken cancellationToken)
    {
        foreach (var channel in channels)
        {
            using var answer = await Http.DeleteAsync($"threads/{RouteName.Write(channel)}?confirm=DELETE", cancellationToken);
            if (answer.StatusCode != HttpStatusCode.NotFound)
            {
                answer.EnsureSuccessStatusCode();
            }
        }
    }

    public override ValueTask DisposeAsync()
    {
        Http.Dispose();
        return ValueTask.CompletedTask;
    }
}
