using System.Security.Cryptography;
using System.Text;
using Cosmo.Functions.Assistants.Profiles;
using Cosmo.Functions.Tools;
using Microsoft.Extensions.Options;
using OpenAI.Responses;

namespace Cosmo.Functions.Assistants;

/// <summary>
/// Makes the requests for responses. What stays the same stands first, instructions and tools in their order, then the conversation, then what is new: so the
/// service can take from its cache what it has read before.
/// </summary>
internal sealed class ResponseRequest(Toolbox toolbox, IOptions<AssistantOptions> options)
{
    private readonly AssistantOptions _options = options.Value;

    /// <param name="request">What is asked.</param>
    /// <param name="profile">Who answers.</param>
    /// <param name="model">With which model.</param>
    public CreateResponseOptions Of(AssistantRequest request, AssistantProfile profile, string model)
    {
        var response = new CreateResponseOptions
        {
            Model = model,
            Instructions = profile.Instructions,
            ConversationOptions = new ResponseConversationOptions(request.ThreadId),
            StreamingEnabled = true,

            // So that a response can be asked for again when its stream broke.
            StoredOutputEnabled = true,

            // A conversation that outgrew the model loses its beginning, not its end.
            TruncationMode = ResponseTruncationMode.Auto,
            MaxOutputTokenCount = profile.MaxOutputTokens,
            BackgroundModeEnabled = profile.IsBackground ? true : null,
        };
        if (profile.ReasoningEffort is { } effort)
        {
            response.ReasoningOptions = new ResponseReasoningOptions { ReasoningEffortLevel = new ResponseReasoningEffortLevel(effort) };
        }

        if (profile.CompactAfterTokens > 0)
        {
            // The package has no member for it.
            response.Patch.Set("$.context_management"u8, BinaryData.FromObjectAsJson(new[] { new { type = "compaction", compact_threshold = profile.CompactAfterTokens } }));
        }

        if (!_options.IsAzure)
        {
            // A conversation is served where its beginning is in the cache. The user is named by a code from which nobody gets an id or an address.
            response.PromptCacheKey = request.ThreadId;
            response.SafetyIdentifier = request.Caller.IsSignedIn ? CodeOf(request.Caller.Id!) : null;
        }

        foreach (var question in request.Questions)
        {
            response.InputItems.Add(ResponseItem.CreateUserMessageItem(question));
        }

        foreach (var output in request.ToolOutputs)
        {
            response.InputItems.Add(ResponseItem.CreateFunctionCallOutputItem(output.CallId, output.Output));
        }

        foreach (var tool in toolbox.AvailableTo(request.Caller).Where(tool => profile.Has(tool.Name)))
        {
            // Azure's strict mode knows no patterns and ranges. The tools check their arguments anyway.
            response.Tools.Add(ResponseTool.CreateFunctionTool(
                tool.Name, BinaryData.FromString(tool.Parameters.ToJsonString()), strictModeEnabled: !_options.IsAzure && tool.IsStrict, tool.Description));
        }

        return response;
    }

    private string CodeOf(string userId) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(_options.ApiKey ?? ""), Encoding.UTF8.GetBytes(userId)))[..32];
}
