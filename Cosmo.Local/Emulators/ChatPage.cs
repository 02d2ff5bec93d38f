using System.Net;
using System.Net.Mime;
using Cosmo.Local.Host;
using Microsoft.Extensions.FileProviders;

namespace Cosmo.Local.Emulators;

/// <summary>
/// The chat page, <c>config.json</c> that tells it where the functions are, and <c>negotiate</c>, by which it gets the address of a channel: as a host
/// application's back end would, the server asks for it with its key and on behalf of its user. Here that is a sample user who may look everything up, and open any channel that is not another's.
/// </summary>
internal sealed class ChatPage : IAsyncDisposable
{
    private static readonly object SampleUser = new { user = new { id = "sample-user", roles = (string[])["auditor"], channels = (string[])["*"] } };

    private readonly WebApplication _app;
    private readonly HttpClient _functions;

    private ChatPage(WebApplication app, HttpClient functions) => (_app, _functions) = (app, functions);

    public Uri Url => new(_app.Urls.First());

    /// <param name="address">Where it listens.</param>
    /// <param name="functions">The functions, with their route prefix.</param>
    /// <param name="key">A function key.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<ChatPage> StartAsync(Uri address, Uri functions, string key, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Services.AddRouting().AddSingleton<IHostLifetime, EmbeddedLifetime>();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, address.Port);
        });

        var app = builder.Build();
        app.UseFileServer(new FileServerOptions
        {
            FileProvider = new PhysicalFileProvider(Path.Combine(AppContext.BaseDirectory, "wwwroot")),
            StaticFileOptions = { OnPrepareResponse = file => file.Context.Response.Headers.CacheControl = "no-cache" },
        });
        app.UseRouting();
        var functionsUrl = functions.ToString().TrimEnd('/');
        app.MapGet("/config.json", () => Results.Json(new { functionsUrl }));
        var client = new HttpClient { BaseAddress = new Uri($"{functionsUrl}/") };
        client.DefaultRequestHeaders.Add("x-functions-key", key);

        // A page of another site cannot send JSON here unasked, nor reach this server under a name of its own.
        app.MapPost("/negotiate", (Channel channel, CancellationToken ended) => NegotiateAsync(client, channel.Name, ended)).RequireHost("127.0.0.1", "localhost");
        await app.StartAsync(cancellationToken);
        return new ChatPage(app, client);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _functions.Dispose();
    }

    private static async Task<IResult> NegotiateAsync(HttpClient functions, string channel, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await functions.PostAsync($"channels/{RouteName.Write(channel)}/tokens", JsonContent.Create(SampleUser), cancellationToken);
            var body = await answer.Content.ReadAsStringAsync(cancellationToken);
            return Results.Text(body, answer.Content.Headers.ContentType?.ToString() ?? MediaTypeNames.Application.Json, statusCode: (int)answer.StatusCode);
        }
        catch (HttpRequestException)
        {
            return Results.StatusCode(StatusCodes.Status503ServiceUnavailable);
        }
    }

    private sealed record Channel(string Name);
}
