using static Microsoft.Playwright.Assertions;

namespace Cosmo.Functions.Tests.EndToEnd.Page;

/// <summary>Asking on the page: what streams, what other tabs see, stopping, asking again, editing.</summary>
public sealed class PageConversationTests(PageFixture fixture) : PageTests(fixture)
{
    [Fact]
    public async Task A_second_tab_and_a_reload_in_mid_answer_have_the_question_and_all_of_the_text()
    {
        var channel = NewChannel;
        var first = await Fixture.OpenAsync(channel);
        await first.AskAsync("Tell me a long story, at leisure");
        await first.BegunAsync();

        var second = await Fixture.OpenAsync(channel);
        await second.BegunAsync();
        await Expect(second.Last.Locator("[data-role=user]")).ToHaveTextAsync("Tell me a long story, at leisure");
        await Expect(second.Page.GetByTestId("suggestion")).ToHaveCountAsync(0);
        await ChatTab.IsAsync(second.Last, "answering");
        await first.Page.ReloadAsync();
        await first.BegunAsync();

        foreach (var tab in (ChatTab[])[first, second])
        {
            await ChatTab.IsAsync(tab.Last, "done");
            await Expect(tab.Answer).ToContainTextAsync("before the lamp turns round.");
            await Expect(tab.Answer.Locator("h1")).ToHaveTextAsync("The lighthouse that answered");
            await Expect(tab.Turns).ToHaveCountAsync(1);
            tab.Errors.ShouldBeEmpty();
        }
    }

    [Fact]
    public async Task What_was_said_is_there_for_a_person_who_comes_later_and_finished_blocks_of_an_answer_are_not_touched_again()
    {
        var channel = NewChannel;
        var tab = await Fixture.OpenAsync(channel);
        await tab.AskToTheEndAsync("Show me a table");
        await tab.AskAsync("Tell me a long story");
        await tab.BegunAsync();
        await tab.Answer.Locator("p").Nth(1).WaitForAsync();
        await tab.Answer.Locator("h1").EvaluateAsync("""
            heading => { window.touched = 0; new MutationObserver((changes) => (window.touched += changes.length)).observe(heading, { subtree: true, childList: true, characterData: true, attributes: true }); }
            """);
        await ChatTab.IsAsync(tab.Last, "done");
        (await tab.Page.EvaluateAsync<int>("window.touched")).ShouldBe(0);
        await Expect(tab.Answer.Locator("blockquote")).ToHaveCountAsync(1);

        var later = await Fixture.OpenAsync(channel);

        await Expect(later.Turns).ToHaveCountAsync(2);
        await Expect(later.Turns.First.Locator("[data-role=user]")).ToHaveTextAsync("Show me a table");
        await Expect(later.Turns.First.Locator("tbody tr")).ToHaveCountAsync(3);
        (await later.Answer.InnerTextAsync()).ShouldBe(await tab.Answer.InnerTextAsync());
        await Expect(later.Page.GetByTestId("conversation-item")).ToHaveTextAsync("Show me a table");
    }

    [Fact]
    public async Task An_answer_is_stopped_says_so_without_alarm_and_is_asked_again_in_its_place()
    {
        var tab = await Fixture.OpenAsync(NewChannel);
        var turn = await tab.AskAsync("Tell me a long story, very slowly");
        await tab.BegunAsync();
        await tab.Page.GetByTestId("stop").ClickAsync();

        await ChatTab.IsAsync(turn, "cancelled");
        await Expect(turn.GetByTestId("ending")).ToHaveTextAsync("Stopped here.");
        await Expect(turn.GetByTestId("error")).ToHaveCountAsync(0);
        await Expect(turn.GetByTestId("answer")).ToContainTextAsync("lighthouse");
        await Expect(tab.Page.GetByTestId("stop")).ToHaveCountAsync(0);

        await turn.GetByTestId("again").ClickAsync();
        await tab.BegunAsync();
        await Expect(turn).ToHaveCountAsync(0);
        await Expect(tab.Turns).ToHaveCountAsync(1);
        await tab.Page.GetByTestId("stop").ClickAsync();
        await ChatTab.IsAsync(tab.Last, "cancelled");
    }

    [Fact]
    public async Task A_question_is_edited_in_its_place_and_what_is_being_edited_outlives_a_reload()
    {
        var channel = NewChannel;
        var tab = await Fixture.OpenAsync(channel);
        var first = await tab.AskToTheEndAsync("Show me a table");
        await tab.AskToTheEndAsync("Show me some code");
        await first.HoverAsync();
        await first.GetByTestId("edit").ClickAsync();
        await tab.Page.GetByTestId("edit-field").FillAsync("Write a checklist");
        await tab.Page.ReloadAsync();

        await Expect(tab.Page.GetByTestId("edit-field")).ToHaveValueAsync("Write a checklist");
        await tab.Page.GetByTestId("edit-save").ClickAsync();

        await Expect(tab.Answer).ToContainTextAsync("Moving a team");
        await ChatTab.IsAsync(tab.Last, "done");
        await Expect(tab.Turns).ToHaveCountAsync(1);
        await tab.Page.ReloadAsync();
        await Expect(tab.Turns).ToHaveCountAsync(1);
        await Expect(tab.Last.Locator("[data-role=user]")).ToHaveTextAsync("Write a checklist");
    }

    [Fact]
    public async Task An_error_is_told_in_words_with_a_way_on_and_questions_that_wait_say_their_place()
    {
        var tab = await Fixture.OpenAsync(NewChannel);
        var failed = await tab.AskToTheEndAsync("Let something go wrong", "failed");
        await Expect(failed.GetByTestId("error")).ToContainTextAsync("I encountered an issue while processing your request.");
        await failed.GetByTestId("try-again").ClickAsync();
        await Expect(failed).ToHaveCountAsync(0);
        await ChatTab.IsAsync(tab.Last, "failed");
        await Expect(tab.Turns).ToHaveCountAsync(1);

        var story = await tab.AskAsync("Tell me a long story, very slowly");
        await tab.BegunAsync();
        var second = await tab.AskAsync("Show me a table");
        var third = await tab.AskAsync("Show me some code");
        await Expect(third.GetByTestId("status")).ToHaveTextAsync("In the queue: 2 questions are before this one.");
        await Expect(second.GetByTestId("status")).ToHaveTextAsync("In the queue: one question is before this one.");
        await tab.Page.GetByTestId("stop").ClickAsync();

        await ChatTab.IsAsync(story, "cancelled");
        await ChatTab.IsAsync(second, "done");
        await ChatTab.IsAsync(third, "done");
        tab.Errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_call_waits_for_approval_with_its_arguments_and_its_time_and_is_made_or_not_as_the_user_says()
    {
        var channel = NewChannel;
        var tab = await Fixture.OpenAsync(channel);
        var other = await Fixture.OpenAsync(channel);
        var turn = await tab.AskAsync("Book a viewing for maria.santos@example.com and 12 people");
        var card = turn.GetByTestId("approval");
        await Expect(card).ToContainTextAsync("book_viewing");
        await Expect(card).ToContainTextAsync("maria.santos@example.com");
        await Expect(card.GetByTestId("countdown")).ToContainTextAsync("9:");
        await Expect(turn.GetByTestId("status")).ToHaveTextAsync("Waiting for your decision");
        await other.Page.GetByTestId("approval").GetByTestId("allow").ClickAsync();

        await ChatTab.IsAsync(turn, "done");
        await Expect(turn.GetByTestId("approval")).ToHaveCountAsync(0);
        await Expect(turn.GetByTestId("answer")).ToContainTextAsync("a viewing for maria.santos@example.com and 12 people is booked");
        await Expect(turn.GetByTestId("tool")).ToHaveAttributeAsync("data-state", "done");
        await Expect(turn.GetByTestId("tool").Locator(".seconds")).ToContainTextAsync(" s");

        await tab.Page.BringToFrontAsync();
        var refused = await tab.AskAsync("Book a viewing for ana.reyes@example.com and 3 people");
        await refused.GetByTestId("deny").ClickAsync();
        await ChatTab.IsAsync(refused, "done");
        await Expect(refused.GetByTestId("tool")).ToHaveAttributeAsync("data-state", "refused");
        await refused.GetByTestId("thumb-up").ClickAsync();
        await Expect(refused.GetByTestId("thumb-up")).ToHaveAttributeAsync("aria-pressed", "true");
        await Expect(tab.Page.GetByText("Thank you.")).ToBeAttachedAsync();
        await tab.Page.ReloadAsync();
        await Expect(tab.Last.GetByTestId("thumb-up")).ToHaveAttributeAsync("aria-pressed", "true");
    }

    [Fact]
    public async Task Two_tools_run_at_once_and_each_says_how_long_it_took()
    {
        var tab = await Fixture.OpenAsync(NewChannel);
        var turn = await tab.AskToTheEndAsync("What is the weather in Cebu, and which role does juan.delacruz@example.com have?");

        await Expect(turn.GetByTestId("tool")).ToHaveCountAsync(2);
        await Expect(turn.GetByTestId("tool").Filter(new() { HasText = "get_user_role" }).Locator(".seconds")).ToHaveTextAsync(new System.Text.RegularExpressions.Regex(@"^\d+\.\d s$"));
        await Expect(turn.GetByTestId("answer")).ToContainTextAsync("Account Executive");
    }

    [Fact]
    public async Task The_text_is_followed_unless_one_has_scrolled_up_and_a_button_leads_back()
    {
        var person = await Fixture.PersonAsync(new() { ViewportSize = new() { Width = 800, Height = 420 } });
        var tab = await Fixture.OpenAsync(NewChannel, person);
        await tab.AskAsync("Tell me a long story, at leisure");
        await Expect(tab.Answer).ToContainTextAsync("The night of the many ships");
        await Expect(tab.Page.GetByTestId("to-latest")).ToHaveCountAsync(0);
        (await DistanceAsync()).ShouldBeLessThan(65);

        await tab.Page.Mouse.MoveAsync(400, 200);
        await tab.Page.Mouse.WheelAsync(0, -300);
        await Expect(tab.Page.GetByTestId("to-latest")).ToBeVisibleAsync();
        var top = await tab.Page.Locator("main").EvaluateAsync<double>("main => main.scrollTop");
        await Expect(tab.Answer).ToContainTextAsync("What the inspector wrote");
        (await tab.Page.Locator("main").EvaluateAsync<double>("main => main.scrollTop")).ShouldBe(top);

        await tab.Page.GetByTestId("to-latest").ClickAsync();
        await Expect(tab.Page.GetByTestId("to-latest")).ToHaveCountAsync(0);
        (await DistanceAsync()).ShouldBeLessThan(65);
        await tab.Page.GetByTestId("stop").ClickAsync();
        await ChatTab.IsAsync(tab.Last, "cancelled");

        Task<double> DistanceAsync() => tab.Page.Locator("main").EvaluateAsync<double>("main => main.scrollHeight - main.scrollTop - main.clientHeight");
    }
}
