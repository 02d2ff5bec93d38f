using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Tests.Proof;

/// <summary>A Cosmo that a history is made at, as its producers, users and operators reach it.</summary>
internal abstract class SystemUnderTest : IAsyncDisposable
{
    /// <summary>Calls it with its master key.</summary>
    protected abstract HttpClient Http { get; }

    /// <summary>Where the routes of a channel begin.</summary>
    protected virtual string Channels => "channels";

    /// <summary>A producer for its queue.</summary>
    public abstract Producer NewProducer();

    /// <summary>An address for a client that never leaves of itself.</summary>
    public virtual Task<Uri> AddressAsync(string channel, CancellationToken cancellationToken) => NegotiateAsync(channel, cancellationToken);

    /// <summary>An address for a client, from the app.</summary>
    public abstract Task<Uri> NegotiateAsync(string channel, CancellationToken cancellationToken);

    /// <summary>The dead letters there are for these messages, and perhaps more.</summary>
    public abstract Task<IReadOnlyList<Letter>> LettersAsync(IReadOnlyCollection<string> messageIds, CancellationToken cancellationToken);

    /// <summary>What the model's service holds of a conversation; null where it is not ours to ask.</summary>
    public abstract Task<IReadOnlyList<JsonNode>?> ItemsAsync(string threadId);

    /// <summary>Leaves nothing of channels that were looked at.</summary>
    public abstract Task ForgetAsync(IReadOnlyCollection<string> channels, CancellationToken cancellationToken);

    /// <summary>What came after a sequence, as a client asks for it.</summary>
    public async Task<JsonElement> UpdatesAsync(string channel, long after, CancellationToken cancellationToken)
    {
        using var limit = Limit(cancellationToken);
        return await Http.GetFromJsonAsync<JsonElement>($"{Channels}/{RouteName.Write(channel)}/updates?after={after.ToString(CultureInfo.InvariantCulture)}", limit.Token);
    }

    /// <returns>The status of the answer.</returns>
    public async Task<HttpStatusCode> CancelAsync(string channel, string messageId, CancellationToken cancellationToken)
    {
        using var limit = Limit(cancellationToken);
        using var answer = await Http.PostAsync($"{Channels}/{RouteName.Write(channel)}/messages/{messageId}/cancel", null, limit.Token);
        return answer.StatusCode;
    }

    /// <summary>The usage of each channel, as operators see it.</summary>
    public async Task<IReadOnlyDictionary<string, JsonNode>> UsageAsync(CancellationToken cancellationToken) =>
        JsonNode.Parse(await Http.GetStringAsync("usage?days=2&by=channel", cancellationToken))!["rows"]!.AsArray().ToDictionary(row => row!["key"]!.GetValue<string>(), row => row!);

    public abstract ValueTask DisposeAsync();

    /// <summary>Posts, and reads the address in the answer.</summary>
    protected async Task<Uri> AskForAddressAsync(string route, JsonObject? body, CancellationToken cancellationToken)
    {
        using var limit = Limit(cancellationToken);
        using var answer = await Http.PostAsync(route, body is null ? null : JsonContent.Create(body), limit.Token);
        answer.EnsureSuccessStatusCode();
        return new Uri((await answer.Content.ReadFromJsonAsync<JsonObject>(limit.Token))!["url"]!.GetValue<string>());
    }

    private static CancellationTokenSource Limit(CancellationToken cancellationToken)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(10));
        return limit;
    }
}
