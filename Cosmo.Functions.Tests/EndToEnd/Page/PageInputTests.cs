using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Cosmo.Functions.Tests.EndToEnd.Page;

/// <summary>What is typed, and the conversations of a device.</summary>
public sealed class PageInputTests(PageFixture fixture) : PageTests(fixture)
{
    [Fact]
    public async Task Nothing_typed_is_lost_and_what_is_too_long_is_said_before_it_is_sent()
    {
        var person = await Fixture.PersonAsync();
        var (channel, otherChannel) = (NewChannel, NewChannel);
        var tab = await Fixture.OpenAsync(channel, person);
        await tab.Composer.FillAsync(new string('x', 9_000));
        await tab.Page.ReloadAsync();
        await Expect(tab.Composer).ToHaveValueAsync(new string('x', 9_000));
        await tab.Page.EvaluateAsync($"location.hash = '{otherChannel}'");
        await Expect(tab.Composer).ToHaveValueAsync("");
        await tab.Page.GoBackAsync();
        await Expect(tab.Composer).ToHaveValueAsync(new string('x', 9_000));

        await tab.Composer.FillAsync(new string('y', 32_001));
        await Expect(tab.Page.GetByTestId("limit").First).ToHaveTextAsync("1 character too many: a question may have 32,000 characters. All of your text is kept.");
        await Expect(tab.Page.GetByTestId("send")).ToBeDisabledAsync();
        await tab.Composer.PressAsync("Backspace");
        await Expect(tab.Page.GetByTestId("limit").First).ToHaveTextAsync("0 characters left");
        await tab.Page.GetByTestId("send").ClickAsync();
        await ChatTab.IsAsync(tab.Last, "done");
        await Expect(tab.Composer).ToHaveValueAsync("");
        (await tab.Page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth")).ShouldBeTrue();
    }

    [Fact]
    public async Task Enter_of_an_input_method_does_not_send_and_the_arrows_recall()
    {
        var tab = await Fixture.OpenAsync(NewChannel);
        await tab.Composer.FillAsync("にほん");
        await tab.Composer.DispatchEventAsync("keydown", new { key = "Enter", keyCode = 229 });
        await tab.Composer.DispatchEventAsync("keydown", new { key = "Enter", keyCode = 13, isComposing = true });
        await Expect(tab.Composer).ToHaveValueAsync("にほん");
        await Expect(tab.Turns).ToHaveCountAsync(0);

        await tab.AskToTheEndAsync("Show me a table");
        await tab.AskToTheEndAsync("Show me some code");
        await tab.Composer.PressAsync("ArrowUp");
        await tab.Composer.PressAsync("ArrowUp");
        await Expect(tab.Composer).ToHaveValueAsync("Show me a table");
        await tab.Composer.PressAsync("ArrowDown");
        await tab.Composer.PressAsync("ArrowDown");
        await Expect(tab.Composer).ToHaveValueAsync("");
    }

    [Fact]
    public async Task Questions_and_answers_stand_in_the_direction_of_their_own_text()
    {
        var tab = await Fixture.OpenAsync(NewChannel);
        await tab.Composer.FillAsync("مرحبا بك");
        (await tab.Composer.EvaluateAsync<string>("field => getComputedStyle(field).direction")).ShouldBe("rtl");
        var turn = await tab.AskToTheEndAsync("שלום עולם, Markdown 👋🏽");
        (await turn.Locator("[data-role=user]").EvaluateAsync<string>("question => getComputedStyle(question).direction")).ShouldBe("rtl");
        await Expect(turn.GetByText("هذه فقرة باللغة العربية")).ToHaveCSSAsync("direction", "rtl");
        await Expect(turn.GetByText("And paragraphs with")).ToHaveCSSAsync("direction", "ltr");
    }

    [Fact]
    public async Task Conversations_are_listed_by_their_first_question_and_renamed_and_deleted()
    {
        var person = await Fixture.PersonAsync();
        var (first, second) = (NewChannel, NewChannel);
        var tab = await Fixture.OpenAsync(first, person);
        await tab.AskToTheEndAsync("Show me a table");
        var other = await Fixture.OpenAsync(second, person);
        await other.AskToTheEndAsync("Show me some code");

        await tab.Page.BringToFrontAsync();
        var items = tab.Page.GetByTestId("conversation-item");
        await Expect(items).ToHaveTextAsync(["Show me some code", "Show me a table"]);
        await items.Last.HoverAsync();
        await items.Last.GetByTestId("rename").ClickAsync();
        await tab.Page.GetByTestId("rename-field").FillAsync("Desks");
        await tab.Page.Keyboard.PressAsync("Enter");
        await Expect(other.Page.GetByTestId("conversation-item")).ToHaveTextAsync(["Show me some code", "Desks"]);
        await Expect(tab.Page).ToHaveTitleAsync("Desks – Cosmo");

        await items.First.HoverAsync();
        await items.First.GetByTestId("delete").ClickAsync();
        await tab.Page.GetByTestId("delete-really").ClickAsync();
        await Expect(items).ToHaveTextAsync(["Desks"]);
        await tab.Page.GetByTestId("new-conversation").ClickAsync();
        await Expect(tab.Page.GetByTestId("suggestion").First).ToBeVisibleAsync();
        await items.First.GetByRole(AriaRole.Link).ClickAsync();
        await Expect(tab.Last.Locator("[data-role=user]")).ToHaveTextAsync("Show me a table");
        await Expect(tab.Page.GetByTestId("channel")).ToHaveTextAsync(first);
    }

    [Theory]
    [InlineData("127.0.0.1", "100%", "100%")]
    [InlineData("localhost", "%E0%A4%A", "%E0%A4%A")]
    [InlineData("localhost", "team%2Fa%20b/%F0%9F%91%8B", "team/a b/👋")]
    public async Task It_opens_under_both_names_of_the_machine_at_whatever_the_address_says(string host, string hash, string channel)
    {
        var tab = new ChatTab(await (await Fixture.PersonAsync()).NewPageAsync());
        await tab.GoAsync($"http://{host}:{Fixture.Url.Port}/#{hash}");
        await Expect(tab.Page.GetByTestId("channel")).ToHaveTextAsync(channel);
        await tab.AskToTheEndAsync("Hello");
        tab.Errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_name_that_a_channel_may_have_is_a_conversation_of_its_own_on_the_page()
    {
        var tab = await Fixture.OpenAsync(NewChannel);
        foreach (var (index, name) in OddNames.All.Index())
        {
            await tab.Page.EvaluateAsync("name => { location.hash = encodeURIComponent(name); }", name);
            await Expect(tab.Page.GetByTestId("channel")).ToHaveJSPropertyAsync("textContent", name);
            await tab.ConnectedAsync();
            await Expect(tab.Turns).ToHaveCountAsync(0);

            // To ask in each would take a minute.
            if (index % 8 == 0)
            {
                await tab.AskToTheEndAsync("Hello");
            }
        }

        tab.Errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_is_asked_offline_leaves_when_there_is_a_network_again()
    {
        var person = await Fixture.PersonAsync();
        var tab = await Fixture.OpenAsync(NewChannel, person);
        await tab.AskToTheEndAsync("Show me some code");
        await person.SetOfflineAsync(true);
        await Fixture.Stack.DropSocketsAsync();
        await Expect(tab.Connection).Not.ToHaveAttributeAsync("data-state", "connected", new() { Timeout = 60_000 });
        var turn = await tab.AskAsync("Show me a table");
        await Expect(turn.GetByTestId("status")).ToContainTextAsync("Not connected.");
        await Expect(tab.Page.GetByTestId("notice")).ToContainTextAsync("There is no connection.");
        await person.SetOfflineAsync(false);

        await ChatTab.IsAsync(turn, "done");
        await Expect(tab.Turns).ToHaveCountAsync(2);
        await Expect(tab.Page.GetByTestId("notice")).ToHaveCountAsync(0);
    }
}
