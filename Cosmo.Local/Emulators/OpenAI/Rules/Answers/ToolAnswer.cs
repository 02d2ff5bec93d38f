using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Cosmo.Local.Emulators.OpenAI.Rules.Answers;

/// <summary>Tells the output of a function in a few sentences.</summary>
internal static partial class ToolAnswer
{
    private const int MaxErrorLength = 400;

    public static string Tell(FunctionCall call, string output)
    {
        if (Parse(output) is not { } result)
        {
            return Sorry(output);
        }

        if (result["error"] is { } error)
        {
            return Sorry(error is JsonObject detail ? detail["message"]?.ToString() ?? detail.ToJsonString() : error.ToString());
        }

        if (result["beginning_of_output"] is { } beginning)
        {
            return $"There was more than I could look at as a whole. It begins like this: {Shortened(beginning.ToString())}\n\n"
                + "If you ask for something narrower, I can tell you more.";
        }

        var arguments = Parse(call.Arguments) ?? [];
        return call.Name switch
        {
            "get_weather" => WeatherAnswer.Tell(arguments, result),
            "get_active_clients_per_service" => ClientsAnswer.Tell(result),
            "get_available_offices" => OfficesAnswer.Tell(arguments, result),
            "get_user_audit_logs" => AuditAnswer.Tell(arguments, result),
            "get_user_role" => RoleAnswer.Tell(arguments, result),
            "book_viewing" => ViewingAnswer.Tell(result),
            _ => $"The function {call.Name} returned this: {Shortened(output)}",
        };
    }

    private static JsonObject? Parse(string json)
    {
        try
        {
            return JsonNode.Parse(json) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Sorry(string reason)
    {
        var text = Shortened(AdviceToModel().Replace(reason, "").Trim().Trim('"'));
        return $"I am sorry, I could not look that up for you. {text}{(text.Length > 0 && !char.IsPunctuation(text[^1]) ? "." : "")} "
            + "You are welcome to try again, or to ask me something else.";
    }

    /// <summary>Sentences of an error that tell the model what to do, and are not for the user.</summary>
    [GeneratedRegex(@"(?<=^|[.!?]\s+)(Ask|Try|Tell|Call)\b[^.!?]*[.!?]?")]
    private static partial Regex AdviceToModel();

    private static string Shortened(string text) => text.Length <= MaxErrorLength ? text : text[..MaxErrorLength] + "…";
}
