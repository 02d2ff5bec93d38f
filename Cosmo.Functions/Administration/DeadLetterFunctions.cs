using System.Text;
using System.Text.Json.Serialization;
using Cosmo.Functions.Administration.Replaying;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Grpc.Core;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using RabbitMQ.Client.Exceptions;
using StackExchange.Redis;

namespace Cosmo.Functions.Administration;

/// <summary>
/// The dead letters for operators: look through them, replay them, delete them. 409 while somebody else does, 503 while RabbitMQ or Redis is away.
/// </summary>
internal sealed class DeadLetterFunctions(DeadLetterQueue deadLetters, TimeProvider clock, ILogger<DeadLetterFunctions> logger)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Newest first: all, or those of one <c>cause</c>, and at most <c>limit</c>. Bodies come with <c>?body=true</c>, the newest 8 MB of them.</summary>
    [Function("ListDeadLetters")]
    public Task<IActionResult> ListAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "get", Route = "dead-letters")] HttpRequest request, FunctionContext context) =>
        AnswerAsync(async () =>
        {
            var (limit, refusal) = request.ReadNumber("limit", "dead letters", DeadLetterQueue.MostLetters, DeadLetterQueue.MostLetters);
            if (refusal is not null)
            {
                return refusal;
            }

            var cause = request.Query["cause"].ToString();
            var list = await deadLetters.ListAsync(request.Query["body"] == "true", cause.Length == 0 ? null : cause, context.CancellationToken);
            return HttpAnswers.Json(new
            {
                list.Count,
                Matching = list.Letters.Count,
                Truncated = list.Count > DeadLetterQueue.MostLetters || list.Letters.Count > limit,
                DeadLetters = list.Letters.Take(limit).Select(Describe),
            });
        });

    [Function("ReplayDeadLetter")]
    public Task<IActionResult> ReplayOneAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "post", Route = "dead-letters/{id}/replay")] HttpRequest request, string id, FunctionContext context) =>
        AnswerAsync(async () =>
        {
            var replayed = RouteName.TryRead(id, out var name) ? await deadLetters.ReplayAsync(letter => letter.Id == name, context.CancellationToken) : 0;
            return replayed > 0 ? HttpAnswers.Json(new { replayed }) : Unknown(id);
        });

    /// <summary>All of them, or with <c>?cause=</c> those of one cause, <c>rate</c> a second: starts an orchestration and says where to follow it. 404 where there is none.</summary>
    [Function("ReplayDeadLetters")]
    public Task<IActionResult> ReplayAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "post", Route = "dead-letters/replay")] HttpRequest request, [DurableClient] DurableTaskClient client, FunctionContext context) =>
        AnswerAsync(async () =>
        {
            var (rate, refusal) = request.ReadNumber("rate", "dead letters a second", ReplayInput.UsualRate, ReplayInput.HighestRate);
            if (refusal is not null)
            {
                return refusal;
            }

            var cause = request.Query["cause"].ToString() is { Length: > 0 } named ? named : null;
            var list = await deadLetters.ListAsync(withBodies: false, cause, context.CancellationToken);
            var total = cause is null ? list.Count : (long)list.Letters.Count;
            if (total == 0)
            {
                return HttpAnswers.Problem(
                    StatusCodes.Status404NotFound, "No dead letters", cause is null ? "There are no dead letters." : $"There is no dead letter with the cause '{cause}'.");
            }

            var location = HttpAnswers.Link(request, "dead-letters", $"operations/{DeadLetterReplay.InstanceId}");
            var input = ReplayInput.Begin(cause, clock.GetUtcNow(), rate, total);
            if (!await SingleInstance.TryStartAsync(client, nameof(DeadLetterReplay), DeadLetterReplay.InstanceId, input, context.CancellationToken))
            {
                request.HttpContext.Response.Headers.Location = location;
                return HttpAnswers.Problem(StatusCodes.Status409Conflict, "A replay runs already", $"Wait for it, or cancel it, at {location}.");
            }

            logger.ReplayStarted(total, cause ?? "any", rate);
            return HttpAnswers.Json(new { Operation = DeadLetterReplay.InstanceId, StatusUrl = location, Total = total }, StatusCodes.Status202Accepted, request, location);
        });

    [Function("DeleteDeadLetter")]
    public Task<IActionResult> DeleteAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "delete", Route = "dead-letters/{id}")] HttpRequest request, string id, FunctionContext context) =>
        AnswerAsync(async () =>
            RouteName.TryRead(id, out var name) && await deadLetters.DeleteAsync(letter => letter.Id == name, context.CancellationToken) > 0 ? new NoContentResult() : Unknown(id));

    private async Task<IActionResult> AnswerAsync(Func<Task<IActionResult>> answer)
    {
        try
        {
            return await answer();
        }
        catch (DeadLettersBusyException e)
        {
            return HttpAnswers.Problem(StatusCodes.Status409Conflict, "Busy", e.Message + " Please try again in a moment.");
        }
        catch (RpcException e)
        {
            logger.Failed(e, "The Durable store");
            return HttpAnswers.StoreProblem("It is not sure that a replay was started.");
        }
        catch (RedisException e) when (!RedisFault.MayPass(e))
        {
            logger.Refuses(e, "Redis");
            return HttpAnswers.RedisProblem(e, "What was not replayed or deleted is where it was.");
        }
        catch (Exception e) when (e is RabbitMQClientException or RedisException or TimeoutException or IOException)
        {
            logger.DeadLettersNotReached(e);
            return HttpAnswers.Problem(StatusCodes.Status503ServiceUnavailable, "Not available", "RabbitMQ or Redis did not answer. What was not replayed or deleted is where it was.");
        }
    }

    private static DeadLetterDescription Describe((StoredDeadLetter Letter, byte[]? Body) stored)
    {
        var (letter, body) = stored;
        var (text, base64) = body is null ? default : ReadBody(body);
        return new(letter.Id, letter.Cause, letter.Reason, letter.FailedAt, letter.Attempt, letter.Channel, letter.MessageId, text, base64);
    }

    private static (string? Text, string? Base64) ReadBody(byte[] body)
    {
        try
        {
            return (StrictUtf8.GetString(body), null);
        }
        catch (DecoderFallbackException)
        {
            return (null, Convert.ToBase64String(body));
        }
    }

    private static IActionResult Unknown(string id) => HttpAnswers.Problem(StatusCodes.Status404NotFound, "No such dead letter", $"There is no dead letter with the id '{id}'.");

    /// <param name="BodyBase64">The body where it is not UTF-8.</param>
    private sealed record DeadLetterDescription(
        string Id,
        string Cause,
        string Reason,
        DateTimeOffset? FailedAt,
        int Attempt,
        string? Channel,
        string? MessageId,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Body,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? BodyBase64);
}
