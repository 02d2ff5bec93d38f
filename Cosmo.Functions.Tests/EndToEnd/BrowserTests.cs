using Cosmo.Local.Emulators;
using Microsoft.Playwright;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>The chat page in a real Chromium: a question is typed, and its answer streams.</summary>
public sealed class BrowserTests
{
    private static readonly string[] Quiet =
    [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

    [Fact]
    public async Task A_question_on_the_page_shows_the_tool_at_work_and_an_answer_that_streams()
    {
        await using var stack = await CosmoStack.CreateAsync(
            openAI: new() { FirstTokenDelay = TimeSpan.FromMilliseconds(50), TokenPace = TimeSpan.FromMilliseconds(20) });
        await using var page = await ChatPage.StartAsync(new Uri("http://127.0.0.1:0"), stack.Http.BaseAddress!, stack.Keys.DefaultKey, TestContext.Current.CancellationToken);
        await stack.StartFunctionsAsync();
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = Chromium(), Args = Quiet });
        var tab = await browser.NewPageAsync();
        var errors = new List<string>();
        tab.PageError += (_, error) => errors.Add(error);

        await tab.GotoAsync(new Uri(page.Url, "/#browser-test").AbsoluteUri);
        await Assertions.Expect(tab.GetByTestId("connection")).ToContainTextAsync("Connected");
        await tab.GetByTestId("composer").FillAsync("Weather in Makati?");
        await tab.Keyboard.PressAsync("Enter");
        await Assertions.Expect(tab.GetByTestId("tool")).ToContainTextAsync("get_weather");
        var lengths = new HashSet<int>();
        var answer = tab.GetByTestId("answer").Last;
        var done = Assertions.Expect(tab.Locator("[data-message-id]").Last).ToHaveAttributeAsync("data-state", "done", new() { Timeout = 30_000 });
        while (!done.IsCompleted)
        {
            lengths.Add((await answer.TextContentAsync())!.Length);
        }

        await done;
        (await answer.TextContentAsync())!.ShouldContain("°C");
        lengths.Count.ShouldBeGreaterThan(5);
        errors.ShouldBeEmpty();
    }

    private static string Chromium() => Environment.GetEnvironmentVariable("CHROMIUM") ?? "/usr/bin/chromium";
}
