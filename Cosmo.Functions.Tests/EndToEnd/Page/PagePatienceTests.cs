using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Cosmo.Functions.Tests.EndToEnd.Page;

/// <summary>
/// The page while time does odd things: a clock that is moved, a network that is away, a machine that sleeps. What takes as long as that in earnest is run by
/// <c>./cosmo test PagePatienceTests -explicit only</c>, in five minutes.
/// </summary>
public sealed class PagePatienceTests(PageFixture fixture) : PageTests(fixture)
{
    [Theory]
    [InlineData(36)]
    [InlineData(-36)]
    public async Task A_clock_that_is_moved_in_mid_answer_changes_nothing(int hours)
    {
        var tab = await Fixture.OpenAsync(NewChannel);
        var story = await tab.AskAsync("Tell me a long story");
        await tab.BegunAsync();

        await tab.Page.Clock.SetSystemTimeAsync(DateTime.UtcNow.AddHours(hours));

        await ChatTab.IsAsync(story, "done");
        await tab.AskToTheEndAsync("Show me a table");
        await Expect(tab.Connection).ToHaveAttributeAsync("data-state", "connected");
        await Expect(tab.Turns).ToHaveCountAsync(2);
        tab.Errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task Enlarged_to_twice_its_size_with_a_keyboard_on_the_screen_and_without_motion_all_of_it_can_be_used()
    {
        var person = await Fixture.PersonAsync(new() { ViewportSize = new() { Width = 640, Height = 300 }, DeviceScaleFactor = 2, ReducedMotion = ReducedMotion.Reduce });
        var tab = await Fixture.OpenAsync(NewChannel, person);
        await tab.AskAsync("Tell me a long story, very slowly");
        await tab.BegunAsync();

        (await tab.Page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight")).ShouldBeTrue();
        (await tab.Page.EvaluateAsync<int>("document.getAnimations().filter(({ playState, effect }) => playState === 'running' && effect.getComputedTiming().duration > 1).length")).ShouldBe(0);
        foreach (var part in (ILocator[])[tab.Composer, tab.Page.GetByTestId("stop"), tab.Page.GetByTestId("send"), tab.Connection])
        {
            await Expect(part).ToBeInViewportAsync();
        }

        (await tab.Page.Locator("main").EvaluateAsync<double>("main => main.clientHeight")).ShouldBeGreaterThan(80);
        await tab.Page.GetByTestId("stop").ClickAsync();
        await ChatTab.IsAsync(tab.Last, "cancelled");
    }

    [Fact(Explicit = true)]
    public async Task Half_a_minute_without_a_network_in_mid_answer_costs_nothing()
    {
        var person = await Fixture.PersonAsync();
        var tab = await Fixture.OpenAsync(NewChannel, person);
        var story = await tab.AskAsync("Tell me a long story, very slowly");
        await tab.BegunAsync();
        await person.SetOfflineAsync(true);
        await Fixture.Stack.DropSocketsAsync();
        await tab.AskAsync("Show me a table");

        await Task.Delay(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        await Expect(tab.Connection).Not.ToHaveAttributeAsync("data-state", "connected");
        await person.SetOfflineAsync(false);

        await ChatTab.IsAsync(story, "done");
        await Expect(story.GetByTestId("answer")).ToContainTextAsync("before the lamp turns round.");
        await ChatTab.IsAsync(tab.Last, "done");
        await Expect(tab.Turns).ToHaveCountAsync(2);
    }

    [Fact(Explicit = true)]
    public async Task A_browser_that_sleeps_for_three_minutes_in_mid_answer_has_all_of_it_when_it_wakes()
    {
        var tab = await Fixture.OpenAsync(NewChannel);
        var story = await tab.AskAsync("Tell me a long story, very slowly");
        await tab.BegunAsync();
        var browser = Processes.TreeOf(Environment.ProcessId).Where(process => File.ReadAllText($"/proc/{process}/comm").StartsWith("chrom", StringComparison.Ordinal)).ToList();
        browser.ShouldNotBeEmpty();

        Processes.Signal("STOP", browser);
        try
        {
            await Task.Delay(TimeSpan.FromMinutes(3), TestContext.Current.CancellationToken);
        }
        finally
        {
            Processes.Signal("CONT", browser);
        }

        await ChatTab.IsAsync(story, "done");
        await Expect(story.GetByTestId("answer")).ToContainTextAsync("before the lamp turns round.");
        await Expect(story.GetByTestId("error")).ToHaveCountAsync(0);
        await tab.ConnectedAsync();
        await tab.AskToTheEndAsync("Show me a table");
        await Expect(tab.Turns).ToHaveCountAsync(2);
        tab.Errors.ShouldBeEmpty();
    }
}
