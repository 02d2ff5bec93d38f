using System.Text.Json;
using Cosmo.Functions.Tests.Local.Terminal;
using static Microsoft.Playwright.Assertions;

namespace Cosmo.Functions.Tests.EndToEnd.Page;

/// <summary>Whatever an answer says: nothing of it runs, nothing is asked of another host, and the policy that forbids it is held.</summary>
public sealed class PageSafetyTests(PageFixture fixture) : PageTests(fixture)
{
    private const int PayloadsAnAnswer = 15;

    [Fact]
    public async Task Hostile_Markdown_runs_nothing_asks_nobody_and_leads_nowhere()
    {
        var tab = await Fixture.OpenAsync(NewChannel);
        var turn = await tab.AskToTheEndAsync("Show me hostile Markdown");
        await Expect(turn.GetByTestId("answer")).ToContainTextAsync("<script>alert(\"script\")</script>");
        await Expect(turn.GetByTestId("answer")).ToContainTextAsync("an honest link");
        await IsHarmlessAsync(tab);

        var payloads = JsonSerializer.Deserialize<string[]>(await File.ReadAllTextAsync(
            Path.Combine(CosmoScript.Root, "Cosmo.Client", "page", "test", "payloads.json"), TestContext.Current.CancellationToken))!;
        var answers = payloads.Chunk(PayloadsAnAnswer).Select(chunk => string.Join("\n\n***\n\n", chunk)).ToList();
        await Fixture.Stack.ScriptAsync(JsonSerializer.Serialize(answers.Select(text => new { userText = "payload", text })));
        for (var index = 0; index < answers.Count; index++)
        {
            await tab.AskToTheEndAsync($"payload {index}");
        }

        await IsHarmlessAsync(tab);
        await tab.Page.ReloadAsync();
        await Expect(tab.Turns).ToHaveCountAsync(answers.Count + 1);
        await IsHarmlessAsync(tab);
    }

    [Fact]
    public async Task The_policy_is_strict_and_held_and_all_that_is_loaded_is_small()
    {
        var tab = new ChatTab(await (await Fixture.PersonAsync()).NewPageAsync());
        var answer = (await tab.Page.GotoAsync(Fixture.Url.AbsoluteUri))!;
        await tab.ConnectedAsync();
        var functions = Fixture.Stack.Http.BaseAddress!.GetLeftPart(UriPartial.Authority);
        answer.Headers["content-security-policy"].ShouldBe(
            $"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' {functions} ws://{Fixture.Stack.WebPubSub.Url.Authority}; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types dompurify");
        answer.Headers["x-content-type-options"].ShouldBe("nosniff");

        (await TriedAsync("await fetch('https://example.com/')")).ShouldBeFalse();
        (await TriedAsync("await new Promise((done, failed) => { const image = new Image(); image.onload = done; image.onerror = failed; image.src = 'https://example.com/x.png'; })")).ShouldBeFalse();
        (await TriedAsync("document.body.innerHTML = '<b>x</b>'")).ShouldBeFalse();
        (await tab.Page.EvaluateAsync<string?>("""
            () => { const style = document.createElement('style'); style.textContent = 'body { outline: 7px solid red }'; document.head.append(style); return getComputedStyle(document.body).outlineWidth; }
            """)).ShouldNotBe("7px");

        var bytes = await tab.Page.EvaluateAsync<long>("""
            async () => {
              let sum = 0;
              for (const { name } of performance.getEntriesByType('resource').filter(({ name }) => name.startsWith(location.origin))) {
                const stream = (await fetch(name)).body.pipeThrough(new CompressionStream('gzip'));
                sum += (await new Response(stream).arrayBuffer()).byteLength;
              }
              return sum;
            }
            """);
        bytes.ShouldBeInRange(20_000, 150_000);

        Task<bool> TriedAsync(string code) => tab.Page.EvaluateAsync<bool>($"async () => {{ try {{ {code}; return true; }} catch {{ return false; }} }}");
    }

    /// <summary>No dialog, no window, no other host, no element or attribute that could do anything; the page is where it was.</summary>
    private async Task IsHarmlessAsync(ChatTab tab)
    {
        tab.Errors.ShouldBeEmpty();
        var hosts = (string[])[Fixture.Url.Authority, Fixture.Stack.Http.BaseAddress!.Authority, Fixture.Stack.WebPubSub.Url.Authority];
        tab.Requests.Where(request => !hosts.Contains(new Uri(request).Authority)).ShouldBeEmpty();
        tab.Page.Url.ShouldStartWith(new Uri(Fixture.Url, "/#").AbsoluteUri);
        var found = await tab.Page.EvaluateAsync<string[]>("""
            () => [...document.querySelectorAll('[data-testid=answer] *')].flatMap((element) => {
              const isOurs = element.closest('button') !== null;
              const allowed = ['href', 'target', 'rel', 'dir', 'start', 'class', 'tabindex', 'role', 'aria-label', 'aria-level'];
              const wrong = [...element.attributes].filter(({ name }) => !isOurs && !allowed.includes(name)).map(({ name }) => `${element.localName}[${name}]`);
              const bad = !isOurs && /^(script|img|svg|iframe|object|embed|form|input|style|link|meta|base|video|audio|math|template)$/.test(element.localName) ? [element.localName] : [];
              const leads = element.localName === 'a' && (!/^(https?|mailto):/.test(element.href) || element.target !== '_blank' || !element.relList.contains('noopener')) ? [element.outerHTML] : [];
              return [...wrong, ...bad, ...leads];
            })
            """);
        found.ShouldBeEmpty();
    }
}
