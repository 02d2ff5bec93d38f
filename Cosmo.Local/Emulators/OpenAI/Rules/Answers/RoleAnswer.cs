using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.OpenAI.Rules.Answers;

/// <summary>A person's role.</summary>
internal static class RoleAnswer
{
    public static string Tell(JsonObject arguments, JsonObject result)
    {
        var email = (result["email"] ?? arguments["email"]).Show();
        return result["user_role"] is { } role
            ? $"I looked that up for you. The role of {email} is: {role.Show()}. Is there anything else that you would like to know about this person?"
            : $"No role is recorded for {email}. If you expected one, please check the spelling of the address.";
    }
}
