using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Cosmo.Functions.Tests.Local.WebPubSub;

/// <summary>An event handler that allows everybody, keeps what it gets and answers as the test says.</summary>
internal sealed class WebhookReceiver(WebApplication app) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Channel<ReceivedEvent> _events = Channel.CreateUnbounded<ReceivedEvent>();

    /// <summary>Answers an event; 204 if not set.</summary>
    public Func<HttpContext, Task> Answer { get; set; } = context =>
    {
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    };

    /// <summary>What OPTIONS answers.</summary>
    public string AllowedOrigin { get; set; } = "*";

    public string Url => $"{app.Urls.Single()}/api/webpubsub/events?code=secret&hub={{hub}}&event={{event}}";

    public static async Task<WebhookReceiver> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var receiver = new WebhookReceiver(app);
        app.Run(receiver.HandleAsync);
        await app.StartAsync();
        return receiver;
    }

    public async Task<ReceivedEvent> NextAsync() => await _events.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var headers = context.Request.Headers.ToDictionary(pair => pair.Key, pair => pair.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        _events.Writer.TryWrite(new ReceivedEvent(context.Request.Method, context.Request.QueryString.Value!, headers, await reader.ReadToEndAsync()));
        if (HttpMethods.IsOptions(context.Request.Method))
        {
            context.Response.Headers["WebHook-Allowed-Origin"] = AllowedOrigin;
            return;
        }

        await Answer(context);
    }
}

internal sealed record ReceivedEvent(string Method, string Query, Dictionary<string, string> Headers, string Body);
