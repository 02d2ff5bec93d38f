using System.Globalization;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Administration;

/// <summary>
/// How the orchestration of a message stands. Its channel is known for a day; after that, or where two channels used one id, <c>?channel=</c> says it,
/// and <c>?attempt=</c> which replay.
/// </summary>
internal sealed class GetConversation(MessageDirectory directory, TimeProvider clock, ILogger<GetConversation> logger)
{
    [Function(nameof(GetConversation))]
    public Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Admin, "get", Route = "conversations/{messageId}")] HttpRequest request,
        string messageId,
        [DurableClient] DurableTaskClient client,
        FunctionContext context) =>
        Guard.RunAsync(logger, async () =>
        {
            var id = RouteChannel.Decode(messageId);
            var (channel, attempt) = (request.Query["channel"].ToString(), request.Query["attempt"].ToString());
            var number = 0;
            if (id.Length > ChatMessageReader.MaxIdLength || channel.Length > ChatMessageReader.MaxIdLength
                || (attempt.Length > 0 && (!int.TryParse(attempt, NumberStyles.None, CultureInfo.InvariantCulture, out number) || number == 0)))
            {
                return HttpAnswers.Problem(
                    StatusCodes.Status400BadRequest,
                    "Not a message",
                    $"An id and a channel have at most {ChatMessageReader.MaxIdLength} characters, and 'attempt' is a whole number from 1.");
            }

            var address = await FindAsync(id, channel, number, context.CancellationToken);
            var instanceId = address is null ? null : AnswerStarter.InstanceId(address);
            return instanceId is not null && await client.GetInstanceAsync(instanceId, getInputsAndOutputs: true, context.CancellationToken) is { } instance
                ? HttpAnswers.Json(Describe(address!, instance))
                : HttpAnswers.Problem(
                    StatusCodes.Status404NotFound, "No such conversation", "No message with this id was taken in lately. An older one needs its channel: ?channel=…");
        });

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
