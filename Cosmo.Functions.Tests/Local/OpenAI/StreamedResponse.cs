using OpenAI.Responses;

namespace Cosmo.Functions.Tests.Local.OpenAI;

/// <summary>A stream read to its end.</summary>
internal sealed record StreamedResponse(IReadOnlyList<StreamingResponseUpdate> Updates)
{
    public string Text => string.Concat(Updates.OfType<StreamingResponseOutputTextDeltaUpdate>().Select(update => update.Delta));

    public IReadOnlyList<FunctionCallResponseItem> Calls =>
        [.. Updates.OfType<StreamingResponseOutputItemDoneUpdate>().Select(update => update.Item).OfType<FunctionCallResponseItem>()];

    public IReadOnlyList<string> CallTexts => [.. Calls.Select(call => $"{call.FunctionName} {call.FunctionArguments}")];

    public ResponseResult Completed => Updates[^1].ShouldBeOfType<StreamingResponseCompletedUpdate>().Response;

    public static async Task<StreamedResponse> ReadAsync(ResponsesClient client, CreateResponseOptions options)
    {
        await using var stream = await client.CreateResponseStreamingAsync(options, TestContext.Current.CancellationToken);
        var updates = new List<StreamingResponseUpdate>();
        await foreach (var update in stream)
        {
            updates.Add(update);
        }

        return new StreamedResponse(updates);
    }
}
