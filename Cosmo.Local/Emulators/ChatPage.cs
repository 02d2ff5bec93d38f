using System.Net;
using System.Net.Mime;
using System.Text.Json;
using System.Text.Json.Serialization;
using Cosmo.Local.Host;
using Microsoft.Extensions.FileProviders;

namespace Cosmo.Local.Emulators;

/// <summary>Where the chat page is, and what it needs to know.</summary>
internal sealed record ChatPageOptions
{
    /// <summary>Where it listens; only the port is looked at. Port 0 takes a free one.</summary>
    public required Uri Url { get; init; }

    /// <summary>The functions, with their route prefix.</summary>
    public required Uri Functions { get; init; }

    /// <summary>Web PubSub, the only other host that the page may speak to; null where it is not known, for any.</summary>
    public required Uri? WebPubSub { get; init; }

    /// <summary>A function key.</summary>
    public required string Key { get; init; }

    /// <summary>The page as it was built; it may not be there yet.</summary>
    public string Folder { get; init; } = ChatPage.FolderIn(ProgramFiles.Root);
}

/// <summary>
/// The chat page, <c>config.json</c> that tells it where the functions are, and <c>negotiate</c>, by which it gets the address of a channel: as a host
/// application's back end would, the server asks for it with its key and on behalf of its user. Here that is a sample user who may look everything up, and open any channel that is not another's.
/// </summary>
internal sealed class ChatPage : IAsyncDisposable
{
    private const string NotBuilt = "The chat page has not been built yet: ./cosmo run does that.";

    private static readonly object SampleUser = new { user = new { id = "sample-user", roles = (string[])["auditor"], channels = (string[])["*"] } };

    /// <summary>What the page offers to ask: what the emulated model and the sample data can answer.</summary>
    private static readonly Suggestion[] Suggestions =
    [
        new("Weather", "What is the weather in Makati?"),
        new("Clients", "How many active clients do we have for each service?"),
        new("Offices", "Which offices in Makati have room for 20 people?"),
        new("Audit logs", "Show me the audit logs of maria.santos@example.com"),
        new("Two at once", "What is the weather in Cebu, and which role does juan.delacruz@example.com have?"),
        new("With approval", "Book a viewing for maria.santos@example.com and 12 people"),
        new(null, "Tell me a long story"),
        new(null, "Show me a table"),
        new(null, "Show me some code"),
        new(null, "Write a checklist"),
        new(null, "Show me all of Markdown"),
        new(null, "Let something go wrong"),
    ];

    private static readonly JsonSerializerOptions Plain = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    private readonly WebApplication _app;
    private readonly HttpClient _functions;

    private ChatPage(WebApplication app, HttpClient functions) => (_app, _functions) = (app, functions);

    public Uri Url => new(_app.Urls.First());

    /// <summary>Where the page is built to in the repository.</summary>
    public static string FolderIn(string root) => Path.Combine(root, "Cosmo.Client", "page", "dist");

    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<ChatPage> StartAsync(ChatPageOptions options, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Services.AddRouting().AddSingleton<IHostLifetime, EmbeddedLifetime>();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, options.Url.Port);
        });

        var app = builder.Build();
        var policy = PolicyOf(options);
        app.Use((context, next) =>
        {
            context.Response.Headers.ContentSecurityPolicy = policy;
            context.Response.Headers.XContentTypeOptions = "nosniff";
            context.Response.Headers["Referrer-Policy"] = "no-referrer";
            return next();
        });

        // Before the files: a page that was built for Azure has a config.json of its own among them.
        var functionsUrl = options.Functions.ToString().TrimEnd('/');
        app.Map("/config.json", config => config.Run(
            context => Results.Json(new { functionsUrl, negotiateUrl = "negotiate", suggestions = Suggestions }, Plain).ExecuteAsync(context)));

        // It is built while this runs, so the folder has to be there before its files are.
        Directory.CreateDirectory(options.Folder);
        app.UseFileServer(new FileServerOptions
        {
            FileProvider = new PhysicalFileProvider(options.Folder),
            StaticFileOptions = { OnPrepareResponse = file => file.Context.Response.Headers.CacheControl = "no-cache" },
        });
        app.UseRouting();
        app.MapGet("/", () => Results.Text(NotBuilt, statusCode: StatusCodes.Status503ServiceUnavailable));
        var client = new HttpClient { BaseAddress = new Uri($"{functionsUrl}/") };
        client.DefaultRequestHeaders.Add("x-functions-key", options.Key);

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

    /// <summary>Nothing from elsewhere, nothing inline, and no connection but to this server, the functions and Web PubSub.</summary>
    private static string PolicyOf(ChatPageOptions options)
    {
        var functions = options.Functions.GetLeftPart(UriPartial.Authority);
        var webPubSub = options.WebPubSub is { } url ? $"{(url.Scheme == Uri.UriSchemeHttp ? "ws" : "wss")}://{url.Authority}" : "wss:";
        return $"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' {functions} {webPubSub}; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types dompurify";
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

    /// <summary>A question that is offered: with a title as a card, without one in a row below.</summary>
    private sealed record Suggestion(string? Title, string Question);
}
