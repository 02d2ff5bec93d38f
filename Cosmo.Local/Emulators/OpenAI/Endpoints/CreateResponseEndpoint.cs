using Cosmo.Local.Emulators.OpenAI.Controls;
using Cosmo.Local.Emulators.OpenAI.Rules;
using Cosmo.Local.Emulators.OpenAI.Wire;

namespace Cosmo.Local.Emulators.OpenAI.Endpoints;

/// <summary>
/// <c>POST /responses</c>. A client that goes away ends a foreground response as cancelled, and nothing of it is added to
/// its conversation; a background response goes on.
/// </summary>
internal sealed class CreateResponseEndpoint(
    Inventory inventory,
    FaultyModel model,
    RuleList<Fault> faults,
    OpenAIEmulatorOptions options,
    CancellationToken stopping)
{
    private static readonly TimeSpan TimeBeforeCut = TimeSpan.FromMilliseconds(20);

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/responses", CreateAsync);

    private async Task CreateAsync(HttpContext context)
    {
        var request = ResponseRequestReader.Read(await Json.ReadObjectAsync(context.Request));
        var logged = context.Features.Get<LoggedRequest>()!;
        logged.Conversation = request.ConversationId;
        logged.Tools = [.. request.Tools.Select(tool => tool.Name)];
        logged.ToolOutputs = [.. request.Input.Where(item => item.IsFunctionCallOutput).Select(item => item.CallId!)];
        logged.Parameters = [.. request.Body.Where(parameter => parameter.Key is not ("input" or "tools")).Select(parameter => KeyValuePair.Create(parameter.Key, parameter.Value?.DeepClone()))];
        logged.UserText = request.Input.LastOrDefault(item => item.IsUserMessage)?.ContentText;

        var response = inventory.Begin(request);
        logged.Response = response.Id;
        var fault = faults.Take("responses", request.ConversationId, response.UserText, request.Model) ?? Showpieces.Fault(response.UserText);
        (response.LosesItems, response.IsHidden) = (fault?.LoseItems == true, fault?.HideResponse == true);
        if (!await BeginsAsync(context, response, fault))
        {
            return;
        }

        var stream = new ResponseStream(response, model.Reply(response, fault), fault, options);
        if (response.Events is { } events)
        {
            _ = RunInBackgroundAsync(response, stream, events);
            await (request.Stream ? ResponseEndpoints.ReplayAsync(context, events, 0, fault?.LoseClientAfterEvents) : Json.WriteAsync(context.Response, response.ToJson()));
            return;
        }

        try
        {
            await RunAsync(context, response, stream, fault);
        }
        finally
        {
            response.TryEnd(Outcome.Cancelled);
            logged.Outcome = response.Outcome.Status;
        }
    }

    private async Task<bool> BeginsAsync(HttpContext context, ModelResponse response, Fault? fault)
    {
        var begins = false;
        try
        {
            begins = !await FaultAnswer.GiveAsync(context, fault, options.TimeProvider);
            return begins;
        }
        finally
        {
            if (!begins)
            {
                inventory.Withdraw(response);
            }
        }
    }

    private async Task RunAsync(HttpContext context, ModelResponse response, ResponseStream stream, Fault? fault)
    {
        var streamed = response.Request.Stream;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        if (streamed)
        {
            await EventStream.BeginAsync(context.Response, ending.Token);
        }

        await foreach (var streamEvent in stream.RunAsync(ending.Token))
        {
            if (streamed)
            {
                await EventStream.WriteAsync(context.Response, streamEvent, fault, ending.Token);
            }
        }

        var broken = stream.Ending is Ending.Cut or Ending.CompletedUnheard;
        if (broken || (stream.Ending == Ending.Ended && !streamed))
        {
            // Breaking off throws away what the socket has not sent yet, and the client is to see the tokens before.
            await Task.Delay(TimeBeforeCut, ending.Token);
            context.Abort();
        }
        else if (!streamed)
        {
            await Json.WriteAsync(context.Response, response.ToJson());
        }
    }

    private async Task RunInBackgroundAsync(ModelResponse response, ResponseStream stream, EventLog events)
    {
        try
        {
            await foreach (var streamEvent in stream.RunAsync(stopping))
            {
                if (response.Outcome.Status == "cancelled")
                {
                    break;
                }

                events.Add(streamEvent);
            }
        }
        finally
        {
            response.TryEnd(Outcome.Cancelled);
            events.End();
        }
    }
}
