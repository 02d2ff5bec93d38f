using System.Text.Json;
using System.Text.RegularExpressions;
using Cosmo.Functions.Tests.Local.Terminal;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Cosmo.Functions.Tests.EndToEnd.Page;

/// <summary>The page for people with a keyboard alone, with a screen reader, with a small or enlarged screen, in the dark.</summary>
public sealed partial class PageAccessTests(PageFixture fixture) : PageTests(fixture)
{
    private static readonly string Axe = File.ReadAllText(Path.Combine(CosmoScript.Root, "Cosmo.Client", "page", "node_modules", "axe-core", "axe.min.js"));

    /// <summary>A question and an answer with a word that no screen is wide enough for, in a channel with a long name.</summary>
    private static string LongName => $"{NewChannel}-{new string('w', 120)}";

    [Fact]
    public async Task No_state_has_a_fault_that_axe_knows_light_and_dark_on_desktop_and_phone()
    {
        var channel = LongName;
        var tabs = new List<(string Name, ChatTab Tab)>();
        foreach (var (name, width, height) in (IEnumerable<(string, int, int)>)[("desktop", 1280, 800), ("phone", 390, 844)])
        {
            foreach (var scheme in (ColorScheme[])[ColorScheme.Light, ColorScheme.Dark])
            {
                // axe is put into the page in a way that its policy forbids.
                var person = await Fixture.PersonAsync(new() { ViewportSize = new() { Width = width, Height = height }, ColorScheme = scheme, BypassCSP = true });
                tabs.Add(($"{name}, {scheme}", await Fixture.OpenAsync(channel, person)));
            }
        }

        var first = tabs[0].Tab;
        await CheckAsync("welcome");
        await first.AskToTheEndAsync("Show me all of Markdown");
        await first.AskToTheEndAsync("Let something go wrong", "failed");
        await first.AskAsync("Tell me a long story, very slowly");
        await AllAsync(tab => tab.BegunAsync());
        await CheckAsync("streaming");
        await first.Page.GetByTestId("stop").ClickAsync();
        await AllAsync(tab => ChatTab.IsAsync(tab.Last, "cancelled"));
        await first.AskAsync("Book a viewing for maria.santos@example.com and 12 people");
        await AllAsync(tab => Expect(tab.Page.GetByTestId("approval")).ToBeVisibleAsync());
        await CheckAsync("approval");
        await AllAsync(async tab =>
        {
            await tab.Turns.First.GetByTestId("edit").ClickAsync();
            if (await tab.Page.GetByTestId("open-list").IsVisibleAsync())
            {
                await tab.Page.GetByTestId("open-list").ClickAsync();
            }

            await tab.Page.GetByTestId("conversation-item").First.HoverAsync();
            await tab.Page.GetByTestId("delete").First.ClickAsync();
        });
        await CheckAsync("edited, with the list");

        async Task AllAsync(Func<ChatTab, Task> act)
        {
            foreach (var (_, tab) in tabs)
            {
                await act(tab);
            }
        }

        async Task CheckAsync(string state)
        {
            foreach (var (name, tab) in tabs)
            {
                (await FaultsAsync(tab)).ShouldBeEmpty($"{state}, {name}");
                (await IsTooWideAsync(tab)).ShouldBeFalse($"{state}, {name}");
            }
        }
    }

    [Fact]
    public async Task Nothing_is_wider_than_320_pixels_also_while_it_counts_down_and_everything_to_press_is_large_enough()
    {
        var person = await Fixture.PersonAsync(new() { ViewportSize = new() { Width = 320, Height = 568 }, HasTouch = true, IsMobile = true });
        var tab = await Fixture.OpenAsync(LongName, person);
        await tab.AskToTheEndAsync($"Show me all of Markdown {new string('m', 300)}");
        await tab.AskToTheEndAsync("Let something go wrong", "failed");
        await tab.AskAsync("Book a viewing for maria.santos@example.com and 12 people");
        await Expect(tab.Page.GetByTestId("approval")).ToBeVisibleAsync();
        (await IsTooWideAsync(tab)).ShouldBeFalse();
        (await SmallAsync(tab)).ShouldBeEmpty();

        await tab.Page.GetByTestId("open-list").ClickAsync();
        (await SmallAsync(tab)).ShouldBeEmpty();

        var cut = new ChatTab(await person.NewPageAsync());
        await cut.Page.RouteAsync("**/negotiate", route => route.AbortAsync());
        await cut.Page.GotoAsync($"{Fixture.Url}#{LongName}");
        await Expect(cut.Page.GetByTestId("notice")).ToBeVisibleAsync();
        await Expect(cut.Connection).ToHaveTextAsync(CountingDown());
        (await IsTooWideAsync(cut)).ShouldBeFalse();
        (await SmallAsync(cut)).ShouldBeEmpty();
    }

    [Fact]
    public async Task All_of_it_is_reached_by_the_keyboard_and_what_happens_is_said_but_not_every_word()
    {
        var tab = await Fixture.OpenAsync(NewChannel);
        await Expect(tab.Composer).ToBeFocusedAsync();
        await tab.Page.EvaluateAsync("""
            () => {
              window.said = [];
              new MutationObserver(() => window.said.push(document.querySelector('[data-testid=announcer]').textContent)).observe(document.querySelector('[data-testid=announcer]'), { childList: true, characterData: true, subtree: true });
            }
            """);
        await tab.Page.Keyboard.TypeAsync("Tell me a long story, very slowly");
        await tab.Page.Keyboard.PressAsync("Enter");
        await tab.BegunAsync();
        await PressUntilFocusedAsync(tab, "stop");
        await tab.Page.Keyboard.PressAsync("Enter");
        await ChatTab.IsAsync(tab.Last, "cancelled");
        await tab.Composer.FocusAsync();
        await tab.Page.Keyboard.TypeAsync("Show me some code");
        await tab.Page.Keyboard.PressAsync("Enter");
        await ChatTab.IsAsync(tab.Last, "done");
        var said = await tab.Page.EvaluateAsync<string[]>("window.said");
        said.ShouldContain("Stopped.");
        said.Where(sentence => sentence.StartsWith("Cosmo answered: ", StringComparison.Ordinal)).ShouldHaveSingleItem().ShouldContain("The answer to that is 202");
        said.Length.ShouldBeLessThan(15);

        await PressUntilFocusedAsync(tab, "again", back: true);
        (await tab.Page.EvaluateAsync<string>("getComputedStyle(document.activeElement).outlineStyle")).ShouldBe("solid");
        await tab.Page.Keyboard.PressAsync("Enter");
        await ChatTab.IsAsync(tab.Last, "done");
        await PressUntilFocusedAsync(tab, "edit", back: true);
        await tab.Page.Keyboard.PressAsync("Enter");
        await Expect(tab.Page.GetByTestId("edit-field")).ToBeFocusedAsync();
        await tab.Page.Keyboard.PressAsync("Escape");
        await Expect(tab.Page.GetByTestId("edit-field")).ToHaveCountAsync(0);
        await PressUntilFocusedAsync(tab, "rename", back: true);
        await tab.Page.Keyboard.PressAsync("Enter");
        await tab.Page.Keyboard.TypeAsync("Mine");
        await tab.Page.Keyboard.PressAsync("Enter");
        await Expect(tab.Page.GetByTestId("conversation-item")).ToHaveTextAsync("Mine");
        await PressUntilFocusedAsync(tab, "new-conversation");
        await tab.Page.Keyboard.PressAsync("Enter");
        await Expect(tab.Composer).ToBeFocusedAsync();
    }

    [GeneratedRegex(@"Trying again in \d+ s")]
    private static partial Regex CountingDown();

    private static async Task PressUntilFocusedAsync(ChatTab tab, string testId, bool back = false)
    {
        for (var presses = 0; presses < 60; presses++)
        {
            if (await tab.Page.EvaluateAsync<string?>("document.activeElement.dataset.testid ?? ''") == testId)
            {
                return;
            }

            await tab.Page.Keyboard.PressAsync(back ? "Shift+Tab" : "Tab");
        }

        Assert.Fail($"The keyboard does not reach {testId}.");
    }

    /// <summary>What axe finds, each with the element that it is about.</summary>
    private static async Task<string[]> FaultsAsync(ChatTab tab)
    {
        if (!await tab.Page.EvaluateAsync<bool>("'axe' in window"))
        {
            await tab.Page.EvaluateAsync(Axe);
        }

        var result = await tab.Page.EvaluateAsync<JsonElement>("async () => (await axe.run({ resultTypes: ['violations'] })).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' ')}`)");
        return [.. result.EnumerateArray().Select(fault => fault.GetString()!)];
    }

    private static Task<bool> IsTooWideAsync(ChatTab tab) => tab.Page.EvaluateAsync<bool>("""
        () => document.documentElement.scrollWidth > innerWidth || [...document.querySelectorAll('main, header, footer')].some((part) => part.scrollWidth > part.clientWidth)
        """);

    /// <summary>What can be pressed and is smaller than 44 pixels in one direction. Links within a text may be.</summary>
    private static Task<string[]> SmallAsync(ChatTab tab) => tab.Page.EvaluateAsync<string[]>("""
        () => [...document.querySelectorAll('button, nav a, li > a, textarea, input')].filter((target) => target.checkVisibility() && target.closest('[data-testid=answer]:not(:has(button))') === null)
          .map((target) => [target.ariaLabel ?? target.textContent, target.getBoundingClientRect()])
          .filter(([, { width, height }]) => width < 43.9 || height < 43.9)
          .map(([name, { width, height }]) => `${name}: ${width} x ${height}`)
        """);
}
