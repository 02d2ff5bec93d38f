using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.OpenAI.Rules.Answers;

/// <summary>What came of booking a viewing, which is a sample tool that needs approval.</summary>
internal static class ViewingAnswer
{
    public static string Tell(JsonObject result) =>
        $"Done: a viewing for **{result["email"].Show()}** and {result["people"].Show()} people is booked. Its reference is `{result["reference"].Show()}`.";
}
