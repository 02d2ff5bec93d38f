using Cosmo.Functions.Tests.EndToEnd.Page;
using static Microsoft.Playwright.Assertions;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>The chat page in a real Chromium: a question is typed, and its answer streams.</summary>
public sealed class BrowserTests(PageFixture fixture) : PageTests(fixture)
{
    [Fact]
    public async Task A_question_on_the_page_shows_the_tool_at_work_and_an_answer_that_streams()
    {
        var tab = await Fixture.OpenAsync("browser-test");
        await Expect(tab.Connection).ToContainTextAsync("Connected");

        // The page notes each text itself: who asks it again and again misses some where the machine is slow.
        await tab.Page.EvaluateAsync("""
            () => {
              window.lengths = new Set();
              new MutationObserver(() => document.querySelectorAll('[data-testid=answer]').forEach(answer => window.lengths.add(answer.textContent.length)))
                .observe(document.body, { subtree: true, childList: true, characterData: true });
            }
            """);
        await tab.Composer.FillAsync("Weather in Makati?");
        await tab.Page.Keyboard.PressAsync("Enter");
        await Expect(tab.Page.GetByTestId("tool")).ToContainTextAsync("get_weather");
        await Expect(tab.Page.Locator("[data-message-id]").Last).ToHaveAttributeAsync("data-state", "done", new() { Timeout = 30_000 });

        (await tab.Page.GetByTestId("answer").Last.TextContentAsync())!.ShouldContain("°C");
        (await tab.Page.EvaluateAsync<int[]>("() => [...window.lengths]")).Length.ShouldBeGreaterThan(5);
        tab.Errors.ShouldBeEmpty();
    }
}
