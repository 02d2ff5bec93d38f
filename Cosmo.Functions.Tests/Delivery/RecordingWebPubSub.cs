using System.Text.Json;
using System.Text.Json.Nodes;
using Azure;
using Azure.Core;
using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;

namespace Cosmo.Functions.Tests.Delivery;

/// <summary>Web PubSub that keeps the updates that were sent; a test can have a send wait, or fail, and say who listens for what is new alone.</summary>
internal sealed class RecordingWebPubSub : WebPubSubServiceClient
{
    private readonly List<UpdatePayload> _sent = [];
    private readonly List<JsonObject> _deltas = [];

    /// <summary>What the next sends wait for or fail with, one after the other; with none left a send succeeds at once.</summary>
    public Queue<Func<Task>> Next { get; } = new();

    /// <summary>The same for sends to those who listen for what is new alone.</summary>
    public Queue<Func<Task>> NextDelta { get; } = new();

    /// <summary>Where there is one, sends go on although they are given up, and it completes when one is.</summary>
    public TaskCompletionSource? GivenUp { get; set; }

    /// <summary>Whether somebody is in the group of those.</summary>
    public bool IsDeltaGroupOpen { get; set; }

    /// <summary>How often it was asked for.</summary>
    public int Lists { get; private set; }

    /// <summary>The payloads that were sent to those.</summary>
    public IReadOnlyList<JsonObject> Deltas
    {
        get
        {
            lock (_sent)
            {
                return [.. _deltas];
            }
        }
    }

    /// <summary>What has been sent so far to all others.</summary>
    public IReadOnlyList<UpdatePayload> Sent
    {
        get
        {
            lock (_sent)
            {
                return [.. _sent];
            }
        }
    }

    public override async Task<Response> SendToGroupAsync(
        string group, RequestContent content, ContentType contentType, IEnumerable<string>? excluded = null, string? filter = null, RequestContext? context = null)
    {
        using var body = new MemoryStream();
        content.WriteTo(body, CancellationToken.None);
        var isDelta = group.StartsWith("cosmo-delta.", StringComparison.Ordinal);
        var cancellationToken = context?.CancellationToken ?? CancellationToken.None;
        using var given = GivenUp is { } givenUp ? cancellationToken.Register(() => givenUp.TrySetResult()) : default;
        await ((isDelta ? NextDelta : Next).TryDequeue(out var happens) ? happens() : Task.CompletedTask).WaitAsync(GivenUp is null ? cancellationToken : CancellationToken.None);
        lock (_sent)
        {
            if (isDelta)
            {
                _deltas.Add(JsonNode.Parse(body.ToArray())!["payload"]!.AsObject());
            }
            else
            {
                _sent.Add(JsonSerializer.Deserialize<Update>(body.ToArray(), CosmoJson.Options)!.Payload);
            }
        }

        return Substitute.For<Response>();
    }

    public override AsyncPageable<WebPubSubGroupMember> ListConnectionsInGroupAsync(string group, int? maxpagesize = null, int? maxCount = null, string? continuationToken = null)
    {
        Lists++;
        WebPubSubGroupMember[] members = IsDeltaGroupOpen && group.StartsWith("cosmo-delta.", StringComparison.Ordinal) ? [Substitute.For<WebPubSubGroupMember>("one")] : [];
        return AsyncPageable<WebPubSubGroupMember>.FromPages([Page<WebPubSubGroupMember>.FromValues(members, null, Substitute.For<Response>())]);
    }

    /// <summary>Sends here, by REST since its connection is not connected.</summary>
    /// <param name="log">Where it is recorded.</param>
    /// <param name="redis">The log's, which knows who listens for what is new alone.</param>
    /// <param name="clock">That of all of it.</param>
    public UpdatePublisher Publisher(UpdateLog log, RedisConnection redis, TimeProvider clock) =>
        new(log, new PublisherConnection(this, clock, NullLogger<PublisherConnection>.Instance), this, Listeners(redis, clock), Options.Create(new DeliveryOptions()), clock, NullLogger<UpdatePublisher>.Instance);

    /// <summary>What Redis knows of them, which asks here.</summary>
    public DeltaListeners Listeners(RedisConnection redis, TimeProvider clock) => new(redis, this, clock, NullLogger<DeltaListeners>.Instance);
}
