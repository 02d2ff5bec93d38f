using Cosmo.Local.Emulators.OpenAI.Wire;

namespace Cosmo.Local.Emulators.OpenAI;

/// <summary>The service's rule that each function call has its output, and each output its call before it.</summary>
internal static class ToolPairing
{
    public static void Check(IReadOnlyList<Item> items)
    {
        var open = new Dictionary<string, bool>();
        foreach (var item in items)
        {
            if (item is { IsFunctionCall: true, CallId: { } call })
            {
                open[call] = true;
            }
            else if (item is { IsFunctionCallOutput: true, CallId: { } answered })
            {
                if (!open.ContainsKey(answered))
                {
                    throw new ApiException(400, $"No tool call found for function call output with call_id {answered}.", "input");
                }

                open[answered] = false;
            }
        }

        if (open.FirstOrDefault(call => call.Value).Key is { } unanswered)
        {
            throw new ApiException(400, $"No tool output found for function call {unanswered}.", "input");
        }
    }
}
