using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Cosmo.Functions.Access;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Http;

namespace Cosmo.Functions.Tests.Access;

/// <summary>A host application that is asked who gets the address of a channel.</summary>
public sealed class HostDecisionTests : IAsyncLifetime
{
    private static readonly SignedInUser Ana = new(SignedInUser.Backend, new Caller("ana", ["auditor"]), []);

    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _time = new();
    private readonly ConcurrentQueue<string> _asked = new();
    private Func<HttpContext, Task> _answer = context => context.Response.WriteAsync("""{"allowed": true}""");
    private HttpStub _application = null!;
    private AccessSetup _access = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _application = await HttpStub.StartAsync(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            _asked.Enqueue($"{context.Request.Method} {await reader.ReadToEndAsync(Cancellation)}");
            await _answer(context);
        });
        _access = new AccessSetup(_redis.Connection, _time, new AccessOptions { DecisionUrl = new Uri(_application.Url, "/may?code=abc") });
    }

    public async ValueTask DisposeAsync()
    {
        _access.Dispose();
        await _application.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task It_is_sent_channel_and_user()
    {
        await AskAsync(Ana);
        await AskAsync(null);

        _application.Requests.ShouldAllBe(target => target == "/may?code=abc");
        _asked.Select(asked => asked[..5]).ShouldAllBe(method => method == "POST ");
        _asked.Select(asked => JsonNode.Parse(asked[5..])!.ToJsonString()).ShouldBe(
            ["""{"channel":"c1","user":{"id":"ana","roles":["auditor"],"issuer":"backend"}}""", """{"channel":"c1","user":null}"""]);
    }

    [Theory]
    [InlineData(200, """{"allowed": true}""", true)]
    [InlineData(200, """{"allowed": false}""", false)]
    [InlineData(200, """{"allowed": "true"}""", false)]
    [InlineData(200, "{}", false)]
    [InlineData(200, "yes", false)]
    [InlineData(204, null, false)]
    [InlineData(403, """{"allowed": true}""", false)]
    [InlineData(302, """{"allowed": true}""", false)]
    [InlineData(500, null, false)]
    public async Task Only_a_plain_yes_is_one(int status, string? body, bool isAllowed)
    {
        _answer = context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = "/yes";
            return body is null ? Task.CompletedTask : context.Response.WriteAsync(body);
        };

        (await AskAsync(Ana)).ShouldBe(isAllowed);
        _asked.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_it_answered_is_remembered_for_a_minute(bool isAllowed)
    {
        _answer = context => context.Response.WriteAsJsonAsync(new { allowed = isAllowed });
        await AskAsync(Ana);
        _time.Advance(TimeSpan.FromSeconds(59));
        (await AskAsync(Ana)).ShouldBe(isAllowed);
        _asked.Count.ShouldBe(1);

        await AskAsync(Ana with { Caller = new Caller("ana", []) });
        _asked.Count.ShouldBe(2);
        _time.Advance(TimeSpan.FromSeconds(2));
        await AskAsync(Ana);
        _asked.Count.ShouldBe(3);
    }

    [Fact]
    public async Task No_answer_in_two_seconds_is_a_no_that_is_not_remembered()
    {
        var asked = new TaskCompletionSource();
        _answer = context =>
        {
            asked.TrySetResult();
            return Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        };
        var asking = AskAsync(Ana);
        await asked.Task.WaitAsync(Cancellation);
        asking.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(2));
        (await asking).ShouldBeFalse();

        _answer = context => context.Response.WriteAsync("""{"allowed": true}""", Cancellation);
        (await AskAsync(Ana)).ShouldBeTrue();
    }

    [Fact]
    public async Task Who_gives_up_is_told_so()
    {
        _answer = context => Task.Delay(Timeout.Infinite, context.RequestAborted);
        using var giveUp = new CancellationTokenSource();
        giveUp.Cancel();

        await Should.ThrowAsync<OperationCanceledException>(() => _access.Decision.AllowsAsync("c1", Ana, giveUp.Token));
    }

    [Fact]
    public async Task Where_nobody_is_to_be_asked_the_answer_is_yes()
    {
        _access.Options.DecisionUrl = null;

        (await AskAsync(Ana)).ShouldBeTrue();
        _asked.ShouldBeEmpty();
    }

    private Task<bool> AskAsync(SignedInUser? user) => _access.Decision.AllowsAsync("c1", user, Cancellation);
}
