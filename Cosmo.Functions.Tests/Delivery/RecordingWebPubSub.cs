using System.Text.Json;
using Azure;
using Azure.Core;
using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using NSubstitute;

namespace Cosmo.Functions.Tests.Delivery;

/// <summary>Web PubSub that keeps the updates that were sent; a test can have a send wait, or fail.</summary>
internal sealed class RecordingWebPubSub : WebPubSubServiceClient
{
    private readonly List<UpdatePayload> _sent = [];

    /// <summary>What the next sends wait for or fail with, one after the other; with none left a send succeeds at once.</summary>
    public Queue<Func<Task>> Next { get; } = new();

    /// <summary>What has been sent so far.</summary>
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
        await (Next.TryDequeue(out var happens) ? happens() : Task.CompletedTask).WaitAsync(context?.CancellationToken ?? CancellationToken.None);
        lock (_sent)
        {
            _sent.Add(JsonSerializer.Deserialize<Update>(body.ToArray(), CosmoJson.Options)!.Payload);
        }

        return Substitute.For<Response>();
    }
}
