using System.Collections.Concurrent;
using System.Text.Json;
using Azure.Core;
using Azure.Messaging.WebPubSub;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

var builder = FunctionsApplication.CreateBuilder(args);
builder.Logging.AddFilter("Microsoft.DurableTask", LogLevel.Warning);
builder.Services.AddSingleton(new WebPubSubServiceClient(Environment.GetEnvironmentVariable("WEB_PUBSUB_CONNECTION_STRING")!, "cosmo"));
builder.Services.AddSingleton<BareAnswer>();
builder.Build().Run();

/// <summary>The least that an answer on Durable Functions can be: a message starts an orchestration of two activities, of which the second tells the client.</summary>
internal sealed class BareAnswer(WebPubSubServiceClient webPubSub)
{
    [Function(nameof(Receive))]
    public static async Task Receive(
        [RabbitMQTrigger("bare_queue", ConnectionStringSetting = "RABBITMQ_URL")] byte[] delivery, [DurableClient] DurableTaskClient client, FunctionContext context)
    {
        var message = JsonSerializer.Deserialize<Message>(delivery)!;
        await client.ScheduleNewOrchestrationInstanceAsync(nameof(Answer), message, new StartOrchestrationOptions($"{message.Channel}-{message.Id}"), context.CancellationToken);
    }

    [Function(nameof(Answer))]
    public static async Task<string> Answer([OrchestrationTrigger] TaskOrchestrationContext context)
    {
        var message = context.GetInput<Message>()!;
        var thread = await context.CallActivityAsync<string>(nameof(Find), message);
        return await context.CallActivityAsync<string>(nameof(Tell), message with { Text = thread });
    }

    [Function(nameof(Find))]
    public static string Find([ActivityTrigger] Message message) => " 00000";

    [Function(nameof(Tell))]
    public async Task<string> Tell([ActivityTrigger] Message message)
    {
        var update = new { channel = message.Channel, payload = new { message = message.Text, status = "completed", final_message = true, message_id = message.Id } };
        await webPubSub.SendToGroupAsync(message.Channel, RequestContent.Create(JsonSerializer.SerializeToUtf8Bytes(update)), ContentType.ApplicationJson);
        return message.Text;
    }

    internal sealed record Message(string Channel, string Id, string Text);
}

/// <summary>Many orchestrations of two activities at once, which do nothing: what the Durable store takes by itself. Whichever ends last tells the client.</summary>
internal sealed class BareBurst(BareAnswer answer)
{
    /// <summary>Orchestrations that have not ended, by burst.</summary>
    private static readonly ConcurrentDictionary<string, int> Left = new();

    [Function(nameof(ReceiveBurst))]
    public static async Task ReceiveBurst(
        [RabbitMQTrigger("bare_bursts", ConnectionStringSetting = "RABBITMQ_URL")] byte[] delivery, [DurableClient] DurableTaskClient client, FunctionContext context)
    {
        var burst = JsonSerializer.Deserialize<Burst>(delivery)!;
        Left[burst.Id] = burst.Count;
        await Task.WhenAll(Enumerable.Range(0, burst.Count).Select(i => client.ScheduleNewOrchestrationInstanceAsync(
            nameof(TwoSteps), burst, new StartOrchestrationOptions($"{burst.Channel}-{burst.Id}-{i}"), context.CancellationToken)));
    }

    [Function(nameof(TwoSteps))]
    public static async Task<string> TwoSteps([OrchestrationTrigger] TaskOrchestrationContext context)
    {
        var burst = context.GetInput<Burst>()!;
        var message = new BareAnswer.Message(burst.Channel, burst.Id, await context.CallActivityAsync<string>(nameof(BareAnswer.Find), new BareAnswer.Message(burst.Channel, burst.Id, "")));
        return await context.CallActivityAsync<string>(nameof(Count), message);
    }

    [Function(nameof(Count))]
    public async Task<string> Count([ActivityTrigger] BareAnswer.Message message) =>
        Left.AddOrUpdate(message.Id, 0, (_, left) => left - 1) == 0 ? await answer.Tell(message) : message.Text;

    internal sealed record Burst(string Channel, string Id, int Count);
}
