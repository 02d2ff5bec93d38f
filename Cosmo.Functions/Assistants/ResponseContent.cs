using OpenAI.Responses;

namespace Cosmo.Functions.Assistants;

/// <summary>What a response says.</summary>
internal static class ResponseContent
{
    /// <summary>The response as the other rooms see it, or null if it holds neither text nor calls.</summary>
    public static AssistantResponse? Of(ResponseResult response)
    {
        var text = TextOf(response);
        ToolCall[] calls = [.. response.OutputItems.OfType<FunctionCallResponseItem>()
            .DistinctBy(call => call.Id ?? call.CallId)
            .Select(call => new ToolCall(call.CallId, call.FunctionName, call.FunctionArguments?.ToString() ?? ""))];
        return text.Length == 0 && calls.Length == 0 ? null : new AssistantResponse(response.Id, text, calls);
    }

    /// <summary>All its text. Where the model refuses, the refusal is what it says.</summary>
    public static string TextOf(ResponseResult response) =>
        string.Concat(response.OutputItems.OfType<MessageResponseItem>().SelectMany(message => message.Content).Select(part => part.Text ?? part.Refusal));
}
