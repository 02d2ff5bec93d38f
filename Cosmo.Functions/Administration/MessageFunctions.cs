using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Administration;

/// <summary>Messages without RabbitMQ: send one, and see how one stands.</summary>
internal sealed class MessageFunctions(
    ChatMessageReader reader, AnswerStarter answers, MessageDirectory directory, TimeProvider clock, ILogger<MessageFunctions> logger)
{
    private const int MostBytes = 4 << 20;

    /// <summary>
    /// A producer's message into a channel: <c>{"message": "…"}</c>, with <c>message_id</c> and <c>user</c> if wanted. It goes the way of a delivery; the answer says
    /// under which id and where to follow it.
    /// </summary>
    [Function("SendMessage")]
    public Task<IActionResult> SendAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "channels/{channel}/messages")] HttpRequest request,
        string channel,
        [DurableClient] DurableTaskClient client,
        FunctionContext context) =>
        Guard.RunAsync(logger, async () =>
        {
            if (!RouteName.TryRead(channel, out var name))
            {
                return RouteName.NotAChannel;
            }

            if (await request.ReadAsync(MostBytes, context.CancellationToken) is not { } sent)
            {
                return HttpAnswers.TooLong(MostBytes);
            }

            if (Complete(sent, name) is not { } body)
            {
                return HttpAnswers.Problem(StatusCodes.Status400BadRequest, "Not a message", "The body must be a JSON object with a field 'message', in UTF-8.");
            }

            if (!reader.TryRead(body, out var message, out var rejection))
            {
                return HttpAnswers.Problem(StatusCodes.Status400BadRequest, "Not a message", rejection.Reason);
            }

            var refusal = await answers.StartAsync(message, body, DeliveryProperties.None, client, TimeSpan.Zero, context.CancellationToken);
            return refusal is null ? Accepted(request, message) : HttpAnswers.Problem(StatusOf(refusal), "The message was not taken", refusal.Details + ".");
        });

    /// <summary>
    /// How the orchestration of a message stands. Its channel is known for a day; after that, or where two channels used one id, <c>?channel=</c> says it,
    /// and <c>?attempt=</c> which replay. <c>?calls=true</c> has the calls of tools, too, with the arguments that the model gave them.
    /// </summary>
    [Function("GetConversation")]
    public Task<IActionResult> GetAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "get", Route = "conversations/{messageId}")] HttpRequest request,
        string messageId,
        [DurableClient] DurableTaskClient client,
        FunctionContext context) =>
        Guard.RunAsync(logger, async () =>
        {
            if (!RouteName.TryRead(messageId, out var id))
            {
                return RouteName.NotAMessage;
            }

            var (channel, calls) = (request.Query["channel"].ToString(), request.Query["calls"].ToString());
            if (channel.Length > ChatMessageReader.MaxIdLength
                || !TryReadAttempt(request, out var attempt)
                || calls is not ("" or "true" or "false"))
            {
                return HttpAnswers.Problem(
                    StatusCodes.Status400BadRequest,
                    "Not a message",
                    $"A channel has at most {ChatMessageReader.MaxIdLength} characters, 'attempt' is a whole number from 1, and 'calls' is true or false.");
            }

            var address = await FindAsync(id, channel, attempt, context.CancellationToken);
            var instanceId = address is null ? null : AnswerStarter.InstanceId(address);
            if (instanceId is null || await client.GetInstanceAsync(instanceId, getInputsAndOutputs: true, context.CancellationToken) is not { } instance)
            {
                return HttpAnswers.Problem(
                    StatusCodes.Status404NotFound, "No such conversation", "No message with this id was taken in lately. An older one needs its channel: ?channel=…");
            }

            var description = JsonSerializer.SerializeToNode(Describe(address!, instance), CosmoJson.Options)!;
            if (calls == "true")
            {
                description["calls"] = JsonSerializer.SerializeToNode(await client.FindCallsAsync(instanceId, context.CancellationToken), CosmoJson.Options);
            }

            return HttpAnswers.Json(description);
        });

    /// <summary>Reads <c>?attempt=</c>: which replay of a message, from 1; 0 where it is not named. False where it is something else.</summary>
    internal static bool TryReadAttempt(HttpRequest request, out int attempt)
    {
        attempt = 0;
        var text = request.Query["attempt"].ToString();
        return text.Length == 0 || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out attempt) && attempt > 0);
    }

    private static int StatusOf(Failure refusal) => refusal switch
    {
        { Cause: Failure.UnknownProfileCause or Failure.UnknownMessageCause } => StatusCodes.Status400BadRequest,
        { Cause: Failure.MessageIdTakenCause } => StatusCodes.Status409Conflict,
        { Cause: Failure.RedisRefusesCause } => StatusCodes.Status500InternalServerError,
        { IsOutage: true } => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status429TooManyRequests,
    };

    /// <summary>The body of a chat message: the channel is that of the address, and a message without an id gets one.</summary>
    private static byte[]? Complete(byte[] sent, string channel)
    {
        try
        {
            if (JsonNode.Parse(sent) is not JsonObject message)
            {
                return null;
            }

            message["channel"] = channel;
            message["message_id"] ??= Guid.NewGuid().ToString();
            return Encoding.UTF8.GetBytes(message.ToJsonString(CosmoJson.Options));
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            // Not JSON, a name twice, or text that is not UTF-8.
            return null;
        }
    }

    private static IActionResult Accepted(HttpRequest request, ChatMessage message)
    {
        var channel = RouteName.Write(message.Channel);
        var location = HttpAnswers.Link(
            request, "channels", $"conversations/{RouteName.Write(message.MessageId)}?channel={Uri.EscapeDataString(message.Channel)}");
        return HttpAnswers.Json(
            new
            {
                message.Channel,
                message.MessageId,
                StatusUrl = location,
                UpdatesUrl = HttpAnswers.Link(request, "channels", $"channels/{channel}/updates"),
                NegotiateUrl = HttpAnswers.Link(request, "channels", $"channels/{channel}/negotiate"),
            },
            StatusCodes.Status202Accepted,
            request,
            location);
    }

    private async Task<MessageAddress?> FindAsync(string id, string channel, int attempt, CancellationToken cancellationToken)
    {
        var known = await directory.FindAsync(id, cancellationToken);
        if (channel.Length > 0 && known?.Channel != channel)
        {
            known = new MessageAddress(channel, id, 1);
        }

        return attempt > 0 && known is not null ? known with { Attempt = attempt } : known;
    }

    private object Describe(MessageAddress address, OrchestrationMetadata instance)
    {
        var status = instance.SerializedCustomStatus is null ? null : instance.ReadCustomStatusAs<AnswerStatus>();
        var result = instance.SerializedOutput is null ? null : instance.ReadOutputAs<AnswerResult>();
        return new
        {
            address.MessageId,
            address.Channel,
            address.Attempt,
            instance.InstanceId,
            Status = instance.Word(),
            CustomStatus = status,
            Result = result,
            Failure = instance.FailureDetails?.ErrorMessage,
            instance.CreatedAt,
            instance.LastUpdatedAt,
            Seconds = instance.Seconds(clock),
        };
    }
}
