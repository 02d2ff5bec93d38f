using System.Text;
using Cosmo.Local.Emulators.OpenAI.Controls;
using Cosmo.Local.Emulators.OpenAI.Rules;

namespace Cosmo.Local.Emulators.OpenAI;

/// <summary>The rules' reply, or the one that a test wrote, changed as the fault demands.</summary>
internal sealed class FaultyModel(RuleList<ScriptedAnswer> script)
{
    public Reply Reply(ModelResponse response, Fault? fault)
    {
        var input = ModelInput.Of(response);
        var reply = script.Take("responses", response.Request.ConversationId, response.UserText, response.Request.Model)?.ToReply() ?? RuleModel.Reply(input);
        return fault switch
        {
            { LongAnswer: { } words } => OpenAI.Reply.Say(LongText(words)),
            { UnknownTool: true } => OpenAI.Reply.Call([new FunctionCall("no_such_function", "{}")]),
            { ToolStorm: true } when input.Tools.Count > 0 =>
                OpenAI.Reply.Call(reply.Calls.Count > 0 ? reply.Calls : [RuleModel.AnyCall(input)]),
            { BadToolArguments: true } when reply.Calls.Count > 0 =>
                OpenAI.Reply.Call([.. reply.Calls.Select(call => call with { Arguments = "{\"city\": " })]),
            _ => reply,
        };
    }

    private static string LongText(int words)
    {
        const string sentence = "This is a long answer that Cosmo's local emulator was told to give";
        var parts = sentence.Split(' ');
        var text = new StringBuilder();
        for (var word = 0; word < words; word++)
        {
            text.Append(text.Length > 0 ? " " : "").Append(parts[word % parts.Length]).Append(word % parts.Length == parts.Length - 1 ? "." : "");
        }

        return text.ToString();
    }
}
