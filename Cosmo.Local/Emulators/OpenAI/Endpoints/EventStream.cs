using System.Text;
using System.Text.Json;
using Cosmo.Local.Emulators.OpenAI.Controls;

namespace Cosmo.Local.Emulators.OpenAI.Endpoints;

/// <summary>
/// Writes server-sent events, each sent at once. They have no <c>id:</c> lines, as the service's have none: with them the
/// official client would repeat the whole request after a lost connection.
/// </summary>
internal static class EventStream
{
    public static async Task BeginAsync(HttpResponse response, CancellationToken cancellationToken)
    {
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache";
        await response.StartAsync(cancellationToken);
        await response.Body.FlushAsync(cancellationToken);
    }

    public static async Task WriteAsync(HttpResponse response, StreamEvent streamEvent, Fault? fault, CancellationToken cancellationToken)
    {
        var data = JsonSerializer.Serialize(streamEvent.Data, Json.Wire);
        data = streamEvent.IsUnreadable ? data[..^4] : data;
        data = fault?.SplitEmoji == true ? OddText.WithHalves(data) : data;
        data = fault?.OddNumbers == true ? OddText.WithOddNumbers(data) : data;
        var text = $"event: {streamEvent.Type}\ndata: {data}\n\n";
        await response.Body.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken);
        await response.Body.FlushAsync(cancellationToken);
    }
}
