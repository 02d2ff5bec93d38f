using Cosmo.Functions.Tools;
using Microsoft.Extensions.Options;
using OpenAI.Responses;

namespace Cosmo.Functions.Assistants;

/// <summary>Makes the requests for responses.</summary>
internal sealed class ResponseRequest(AssistantProfile profile, Toolbox toolbox, IOptions<AssistantOptions> options)
{
    private readonly AssistantOptions _options = options.Value;

    public string Model => profile.Model;

    public CreateResponseOptions Of(AssistantRequest request)
    {
        var response = new CreateResponseOptions
        {
            Model = profile.Model,
            Instructions = AssistantProfile.Instructions,
            ConversationOptions = new ResponseConversationOptions(request.ThreadId),
            StreamingEnabled = true,

            // So that a response can be asked for again when its stream broke.
            StoredOutputEnabled = true,

            // A conversation that outgrew the model loses its beginning, not its end.
            TruncationMode = ResponseTruncationMode.Auto,
            MaxOutputTokenCount = _options.MaxOutputTokens,
        };
        if (request.Question is not null)
        {
            response.InputItems.Add(ResponseItem.CreateUserMessageItem(request.Question));
        }

        foreach (var output in request.ToolOutputs)
        {
            response.InputItems.Add(ResponseItem.CreateFunctionCallOutputItem(output.CallId, output.Output));
        }

        foreach (var tool in toolbox.AvailableTo(request.Caller))
        {
            // Azure's strict mode knows no patterns and ranges. The tools check their arguments anyway.
            response.Tools.Add(ResponseTool.CreateFunctionTool(
                tool.Name, BinaryData.FromString(tool.Parameters.ToJsonString()), strictModeEnabled: !_options.IsAzure && tool.IsStrict, tool.Description));
        }

        return response;
    }
}
