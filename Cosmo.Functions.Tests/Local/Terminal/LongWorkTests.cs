using System.Text.Json.Nodes;
using Cosmo.Local.Terminal;
using Microsoft.AspNetCore.Http;

namespace Cosmo.Functions.Tests.Local.Terminal;

/// <summary>Long work that is followed from the terminal, whatever becomes of the app meanwhile.</summary>
public sealed class LongWorkTests
{
    private static readonly JsonObject Started = new() { ["operation"] = "dead-letter-replay" };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_app_that_is_away_for_a_moment_is_waited_for()
    {
        var asked = 0;
        await using var app = await HttpStub.StartAsync(async context =>
        {
            if (++asked == 2)
            {
                context.Abort();
                return;
            }

            await context.Response.WriteAsJsonAsync(new { operation = "dead-letter-replay", status = asked == 1 ? "running" : "completed", progress = new { total = 3, replayed = asked } });
        });
        using var session = new TerminalSession(new Deployment(app.Url, "key"), isJson: true, confirmation: null, Cancellation);

        (await ThreadCommands.FollowAsync(session, Started, noWait: false)).ShouldBe(ExitCodes.Done);

        app.Requests.ShouldAllBe(target => target == "/operations/dead-letter-replay");
        app.Requests.Count.ShouldBe(3);
    }

    [Fact]
    public async Task An_app_that_does_not_answer_at_all_is_not()
    {
        await using var app = await HttpStub.StartAsync(context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        using var session = new TerminalSession(new Deployment(app.Url, "key"), isJson: true, confirmation: null, Cancellation);

        (await Should.ThrowAsync<TerminalException>(ThreadCommands.FollowAsync(session, Started, noWait: false))).ExitCode.ShouldBe(ExitCodes.Unreachable);
    }
}
