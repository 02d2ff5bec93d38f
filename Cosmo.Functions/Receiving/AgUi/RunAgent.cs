using System.Text.Json.Nodes;
using Cosmo.Functions.Access;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Approvals;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Receiving.AgUi;

/// <summary>
/// The agent as AG-UI clients know it: the thread is the channel, the run the message. A run that is new is queued as a message of a browser is, and with the same rights; one that
/// is known is joined, or told how it ended; one that resumes decides on calls of tools and goes on with their message.
/// </summary>
internal sealed class RunAgent(
    ChatMessageReader reader,
    MessagePublisher messages,
    AnswerStarter answers,
    MessageLimits limits,
    TurnQueue turns,
    ApprovalDesk desk,
    UpdateLog log,
    RunAliases aliases,
    RunStream stream,
    ChannelAccess channels,
    GroupKeeper groups,
    IOptions<AccessOptions> access,
    IOptions<MessagingOptions> options,
    TimeProvider clock,
    ILogger<RunAgent> logger)
{
    [Function(nameof(RunAgent))]
    public async Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "agui")] HttpRequest request, [DurableClient] DurableTaskClient client, FunctionContext context)
    {
        if (await request.ReadAsync(options.Value.MaxBodyBytes, context.CancellationToken) is not { } body)
        {
            return HttpAnswers.TooLong(options.Value.MaxBodyBytes);
        }

        if (!RunInput.TryRead(body, out var input, out var fault))
        {
            return NotARun(fault);
        }

        var admission = await channels.AdmitAsync(request, input.ThreadId, context.CancellationToken);
        if ((admission.Refusal ?? await groups.RefuseUnsettledAsync(admission.Owner, context.CancellationToken)) is { } refusal)
        {
            return refusal;
        }

        if (admission.User is null && !access.Value.MayAnyoneSend)
        {
            return ChannelAccess.NotSignedIn(request, "Messages are taken from signed-in users only. A key of the host is not looked at here.");
        }

        try
        {
            var (run, problem) = input.Decisions.Count > 0
                ? await ResumeAsync(request, input, admission.User, client, context.CancellationToken)
                : await FindAsync(input, context.CancellationToken) is { } found ? found : await AskAsync(request, input, admission.User, context.CancellationToken);
            if (run is null)
            {
                return problem!;
            }

            var events = new RunEvents(input.ThreadId, input.RunId, run.Address.MessageId, input.Shown);
            await stream.RunAsync(request.HttpContext.Response, input.RunId, run, admission.User, events, context.CancellationToken);
            return new EmptyResult();
        }
        catch (Exception e) when (e is RedisException or TimeoutException && !request.HttpContext.Response.HasStarted)
        {
            logger.RunNotFound(e, input.RunId);
            return HttpAnswers.RedisProblem(e, "The run could not be begun.");
        }
    }

    /// <summary>What the agent can do, as the protocol's clients ask it.</summary>
    [Function("GetAgentCapabilities")]
    public static IActionResult GetCapabilities([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "agui/capabilities")] HttpRequest request) => HttpAnswers.Json(JsonNode.Parse("""
        {
          "identity": { "name": "Cosmo", "type": "cosmo", "description": "Streams an assistant's answers; the thread is the channel, the run the message." },
          "transport": { "streaming": true, "websocket": false, "httpBinary": false, "pushNotifications": false, "resumable": true },
          "tools": { "supported": true, "parallelCalls": true, "clientProvided": false },
          "output": { "structuredOutput": false, "supportedMimeTypes": ["text/markdown"] },
          "state": { "snapshots": false, "deltas": false, "memory": true, "persistentState": false },
          "humanInTheLoop": { "supported": true, "approvals": true, "interventions": false, "feedback": true, "interrupts": true, "approveWithEdits": false }
        }
        """)!);

    /// <summary>The run that is known under this id already; null if none is. Another question under the same id is refused.</summary>
    private async Task<(FollowedRun? Run, IActionResult? Problem)?> FindAsync(RunInput input, CancellationToken cancellationToken)
    {
        var (isKnown, isSame) = await turns.FindAskedAsync(input.ThreadId, input.RunId, input.Question, cancellationToken);
        return isKnown
            ? isSame
                ? (await JoinAsync(input.ThreadId, input.RunId, cancellationToken), null)
                : (null, HttpAnswers.Problem(StatusCodes.Status409Conflict, "The run id is taken", "Another question of this thread has the id. A run has one of its own."))
            : await aliases.FindByRunAsync(input.ThreadId, input.RunId, cancellationToken) is { } messageId
                ? (await JoinAsync(input.ThreadId, messageId, cancellationToken), null)
                : null;
    }

    private async Task<(FollowedRun? Run, IActionResult? Problem)> AskAsync(HttpRequest request, RunInput input, SignedInUser? user, CancellationToken cancellationToken)
    {
        if (input.Question is not { } question)
        {
            return (null, NotARun("Field 'messages' has no message of the user, and no run of this id is known."));
        }

        var caller = user is null ? Caller.Anonymous with { Source = limits.IsUnlimited ? null : ClientSource.Of(request) } : user.Caller with { Issuer = user.Issuer };
        var body = MessagePublisher.BodyOf(new ChatMessage(input.ThreadId, input.RunId, question, caller) { Profile = input.Profile });
        if (!reader.TryReadClientEvent(body, input.ThreadId, caller, out var message, out var rejection))
        {
            return (null, rejection.Cause == Rejection.TooLong
                ? HttpAnswers.Problem(StatusCodes.Status413PayloadTooLarge, "Too long", rejection.Reason)
                : NotARun($"The user's last message does not do. {rejection.Reason}"));
        }

        var address = new MessageAddress(input.ThreadId, input.RunId, 1);
        if (await answers.FindLimitAsync(address, caller, cancellationToken) is { } reached)
        {
            return (null, reached.Answer(request, Sentences.RateLimit, clock.GetUtcNow()));
        }

        var after = await log.FindNewestAsync(input.ThreadId, cancellationToken);
        try
        {
            await messages.PublishAsync(message, cancellationToken);
            return (new FollowedRun(address, after), null);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.ClientEventNotQueued(e, message.MessageId);
            return (null, HttpAnswers.Problem(StatusCodes.Status503ServiceUnavailable, "RabbitMQ is not available", "The message could not be queued. Please try again in a moment."));
        }
    }

    /// <summary>Takes the decisions, and goes on with the message that they are about. Those that come late or again change nothing.</summary>
    private async Task<(FollowedRun? Run, IActionResult? Problem)> ResumeAsync(
        HttpRequest request, RunInput input, SignedInUser? user, DurableTaskClient client, CancellationToken cancellationToken)
    {
        if (user is null)
        {
            return (null, ChannelAccess.NotSignedIn(request, "Only a signed-in user approves or refuses a call."));
        }

        var found = await Task.WhenAll(input.Decisions.Select(decision => aliases.FindByCallAsync(input.ThreadId, decision.CallId, cancellationToken)));
        if (found.Contains(null) || found.Distinct().Count() > 1)
        {
            return (null, HttpAnswers.Problem(StatusCodes.Status404NotFound, "No such interrupt", "Field 'resume' names what no run of this thread was interrupted by, or what several were."));
        }

        var messageId = found[0]!;
        await aliases.RememberRunAsync(input.ThreadId, input.RunId, messageId, cancellationToken);
        foreach (var decision in input.Decisions)
        {
            await desk.DecideAsync(
                input.ThreadId, messageId, decision.CallId, new ApprovalDecision(decision.Approved, decision.Reason, user.Name), client, cancellationToken);
        }

        return (await JoinAsync(input.ThreadId, messageId, cancellationToken), null);
    }

    private async Task<FollowedRun> JoinAsync(string channel, string messageId, CancellationToken cancellationToken)
    {
        var attempt = await turns.FindAttemptAsync(channel, messageId, cancellationToken);
        return new(new MessageAddress(channel, messageId, attempt ?? 1), After: null, IsLongAgo: attempt is null);
    }

    private static IActionResult NotARun(string fault) => HttpAnswers.Problem(StatusCodes.Status400BadRequest, "Not a run", fault);
}
