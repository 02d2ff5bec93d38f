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
        await tab.Composer.FillAsync("Weather in Makati?");
        await tab.Page.Keyboard.PressAsync("Enter");
        await Expect(tab.Page.GetByTestId("tool")).ToContainTextAsync("get_weather");
        var lengths = new HashSet<int>();
        var answer = tab.Page.GetByTestId("answer").Last;
        var done = Expect(tab.Page.Locator("[data-message-id]").Last).ToHaveAttributeAsync("data-state", "done", new() { Timeout = 30_000 });
        while (!done.IsCompleted)
        {
            lengths.Add((await answer.TextContentAsync())!.Length);
        }

        await done;
        (await answer.TextContentAsync())!.ShouldContain("°C");
        lengths.Count.ShouldBeGreaterThan(5);
        tab.Errors.ShouldBeEmpty();
    }
}
