using System.Net;
using Cosmo.Local.Host;
using Microsoft.Extensions.FileProviders;

namespace Cosmo.Local.Emulators;

/// <summary>The chat page, and <c>config.json</c> that tells it where the functions are.</summary>
internal sealed class ChatPage : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ChatPage(WebApplication app) => _app = app;

    public Uri Url => new(_app.Urls.First());

    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<ChatPage> StartAsync(Uri address, Uri functions, CancellationToken cancellationToken)
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
        app.MapGet("/config.json", () => Results.Json(new { functionsUrl = functions.ToString().TrimEnd('/') }));
        await app.StartAsync(cancellationToken);
        return new ChatPage(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
