using Cosmo.Functions.Tests.Local.Terminal;
using Cosmo.Local.Emulators;
using Cosmo.Local.SampleData;
using Microsoft.Playwright;

namespace Cosmo.Functions.Tests.EndToEnd.Page;

/// <summary>The tests of the page share one stack, one server of the page and one browser; each has channels of its own.</summary>
[CollectionDefinition(Name)]
public sealed class SharedPage : ICollectionFixture<PageFixture>
{
    public const string Name = "Page";
}

/// <summary>All of Cosmo with the page before it, and a Chromium.</summary>
public sealed class PageFixture : IAsyncLifetime
{
    private static readonly string[] Quiet =
    [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

    private readonly List<IBrowserContext> _contexts = [];
    private IPlaywright _playwright = null!;
    private IBrowser _browser = null!;
    private ChatPage _page = null!;

    internal CosmoStack Stack { get; private set; } = null!;

    /// <summary>The page's server, under the name 127.0.0.1.</summary>
    internal Uri Url => _page.Url;

    public static string Chromium => Environment.GetEnvironmentVariable("CHROMIUM") ?? "/usr/bin/chromium";

    public async ValueTask InitializeAsync()
    {
        File.Exists(Path.Combine(ChatPage.FolderIn(CosmoScript.Root), "index.html")).ShouldBeTrue("The page is not built: run npm ci and npm run build in Cosmo.Client/page.");
        Stack = await CosmoStack.CreateAsync(CosmoStack.Patient, new() { FirstTokenDelay = TimeSpan.FromMilliseconds(30), TokenPace = TimeSpan.FromMilliseconds(6) });
        Stack.Set("TOOLS_PATH", SampleSources.ToolsFolder);
        Stack.Set("EXCHANGE_RATES_URL", new Uri(Stack.Backends.Url, "/rates").AbsoluteUri);
        var functions = Stack.StartFunctionsAsync();
        _playwright = await Playwright.CreateAsync();
        Assertions.SetDefaultExpectTimeout(60_000);
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = Chromium, Args = Quiet });
        await functions;
        _page = await Stack.StartPageAsync(CancellationToken.None);
        await Stack.FaultAsync("""[{ "userText": "very slowly", "pace": 100 }, { "userText": "at leisure", "pace": 20 }, { "userText": "payload", "pace": 0 }]""");
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
        await _page.DisposeAsync();
        await Stack.DisposeAsync();
    }

    /// <summary>A browser of a person of their own: what the page keeps on the device is theirs alone.</summary>
    internal async Task<IBrowserContext> PersonAsync(BrowserNewContextOptions? options = null)
    {
        // What moves without an end costs a processor more than all that is looked at.
        options ??= new() { ViewportSize = new() { Width = 1280, Height = 800 } };
        options.ReducedMotion ??= ReducedMotion.Reduce;
        var context = await _browser.NewContextAsync(options);
        context.SetDefaultTimeout(60_000);
        _contexts.Add(context);
        return context;
    }

    /// <summary>A tab on a channel.</summary>
    internal async Task<ChatTab> OpenAsync(string channel, IBrowserContext? person = null)
    {
        var tab = new ChatTab(await (person ?? await PersonAsync()).NewPageAsync());
        await tab.GoAsync($"{Url}#{Uri.EscapeDataString(channel)}");
        return tab;
    }

    internal async Task CloseAsync()
    {
        foreach (var context in _contexts)
        {
            await context.CloseAsync();
        }

        _contexts.Clear();
    }
}
