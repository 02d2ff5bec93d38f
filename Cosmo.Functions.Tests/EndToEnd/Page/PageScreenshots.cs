using Cosmo.Functions.Tests.Local.Terminal;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Cosmo.Functions.Tests.EndToEnd.Page;

/// <summary>The pictures of the documentation: <c>./cosmo test PageScreenshots -explicit only</c>.</summary>
public sealed class PageScreenshots(PageFixture fixture) : PageTests(fixture)
{
    private static readonly string Folder = Path.Combine(CosmoScript.Root, "docs", "images");

    [Fact(Explicit = true)]
    public async Task The_page_light_and_dark_on_desktop_and_phone()
    {
        var asking = await OpenAsync("desktop-light", "kmc-demo");
        await asking.PictureAsync("welcome");
        await asking.Tab.AskToTheEndAsync("What is the weather in Cebu, and which role does juan.delacruz@example.com have?");
        await asking.Tab.AskToTheEndAsync("Show me a table");
        await asking.PictureAsync("answers");
        foreach (var (kind, picture) in (IEnumerable<(string, string)>)[("desktop-dark", "answers"), ("phone-light", "answers"), ("phone-dark", "answers")])
        {
            var other = await OpenAsync(kind, "kmc-demo");
            await Expect(other.Tab.Turns).ToHaveCountAsync(2);
            await Expect(other.Tab.Answer).ToContainTextAsync("has no tax in it");
            await other.PictureAsync(picture);
        }

        var phone = await OpenAsync("phone-dark", "kmc-demo");
        await asking.Tab.AskAsync("Book a viewing for maria.santos@example.com and 12 people");
        foreach (var shown in (Shown[])[asking, phone])
        {
            await Expect(shown.Tab.Page.GetByTestId("approval")).ToBeVisibleAsync();
            await shown.PictureAsync("approval");
        }
    }

    private async Task<Shown> OpenAsync(string kind, string channel)
    {
        var isPhone = kind.StartsWith("phone", StringComparison.Ordinal);
        var person = await Fixture.PersonAsync(new()
        {
            ViewportSize = isPhone ? new() { Width = 390, Height = 780 } : new() { Width = 1120, Height = 720 },
            IsMobile = isPhone,
            HasTouch = isPhone,
            ColorScheme = kind.EndsWith("dark", StringComparison.Ordinal) ? ColorScheme.Dark : ColorScheme.Light,
        });
        return new Shown(await Fixture.OpenAsync(channel, person), kind);
    }

    private sealed record Shown(ChatTab Tab, string Kind)
    {
        public async Task PictureAsync(string name)
        {
            Directory.CreateDirectory(Folder);
            await Tab.Page.WaitForTimeoutAsync(300);
            await Tab.Page.ScreenshotAsync(new() { Path = Path.Combine(Folder, $"{name}-{Kind}.png"), Animations = ScreenshotAnimations.Disabled });
        }
    }
}
