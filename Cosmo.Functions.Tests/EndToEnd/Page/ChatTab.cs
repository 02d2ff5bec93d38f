using System.Collections.Concurrent;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Cosmo.Functions.Tests.EndToEnd.Page;

/// <summary>A tab of the page, as its user sees it.</summary>
internal sealed class ChatTab
{
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly ConcurrentQueue<string> _requests = new();

    public ChatTab(IPage page)
    {
        Page = page;
        page.PageError += (_, error) => _errors.Enqueue(error);
        page.Console += (_, message) =>
        {
            if (message.Type == "error" && message.Text.Contains("Content Security Policy", StringComparison.Ordinal))
            {
                _errors.Enqueue(message.Text);
            }
        };
        page.Dialog += (_, dialog) =>
        {
            _errors.Enqueue($"A dialog: {dialog.Message}");
            _ = dialog.DismissAsync();
        };
        page.Request += (_, request) => _requests.Enqueue(request.Url);
        page.Popup += (_, popup) => _errors.Enqueue($"A window: {popup.Url}");
    }

    public IPage Page { get; }

    /// <summary>What went wrong in the tab, dialogs and what its policy forbade included.</summary>
    public IEnumerable<string> Errors => _errors;

    /// <summary>The addresses that it asked.</summary>
    public IEnumerable<string> Requests => _requests;

    public ILocator Composer => Page.GetByTestId("composer");

    public ILocator Turns => Page.GetByTestId("turn");

    public ILocator Last => Turns.Last;

    public ILocator Answer => Last.GetByTestId("answer");

    public ILocator Connection => Page.GetByTestId("connection");

    public async Task GoAsync(string address)
    {
        await Page.GotoAsync(address);
        await ConnectedAsync();
    }

    public Task ConnectedAsync() => Expect(Connection).ToHaveAttributeAsync("data-state", "connected", new() { Timeout = 60_000 });

    /// <summary>Writes a question and sends it by the keyboard. Returns its turn.</summary>
    public async Task<ILocator> AskAsync(string question)
    {
        await Composer.FillAsync(question);
        await Composer.PressAsync("Enter");
        await Expect(Last.Locator("[data-role=user]")).ToHaveTextAsync(question);
        return Page.Locator($"[data-message-id=\"{await Last.GetAttributeAsync("data-message-id")}\"]");
    }

    /// <summary>Asks, and waits for the end.</summary>
    public async Task<ILocator> AskToTheEndAsync(string question, string state = "done")
    {
        var turn = await AskAsync(question);
        await IsAsync(turn, state);
        return turn;
    }

    public static Task IsAsync(ILocator turn, string state) => Expect(turn).ToHaveAttributeAsync("data-state", state, new() { Timeout = 60_000 });

    /// <summary>Waits until an answer has begun, and gives what there is of it.</summary>
    public async Task<string> BegunAsync()
    {
        await Expect(Answer).ToContainTextAsync("lighthouse", new() { Timeout = 60_000 });
        return await Answer.InnerTextAsync();
    }
}
