using Cosmo.Local.Emulators.OpenAI.Rules.Answers;
using Cosmo.Local.Emulators.OpenAI.Wire;

namespace Cosmo.Local.Emulators.OpenAI.Rules;

/// <summary>
/// What stands in the place of a model: it reads the messages of the thread by rules, calls the functions that it is
/// offered, and tells what they returned.
/// </summary>
internal static class RuleModel
{
    private const int MaxMessagesRead = 50;

    public static Reply Reply(ModelInput input)
    {
        var understanding = Said(input.Items)
            .TakeLast(MaxMessagesRead)
            .Aggregate(Understanding.Nothing, (before, message) => QuestionReader.Read(message, before));
        var showpiece = Showpieces.Answer(input);
        if (showpiece is not null || OtherTools.Wanted(input).Count > 0)
        {
            understanding = Understanding.Nothing;
        }

        var turn = Turn.Of(input.Items);
        IReadOnlyList<FunctionCall> calls = [.. Wanted(understanding, input).Where(call => !turn.Has(call))];
        return calls.Count > 0
            ? OpenAI.Reply.Call(input.Parallel ? calls : [calls[0]])
            : OpenAI.Reply.Say(Text(understanding, turn, input) ?? showpiece ?? Phrases.WhatIKnow);
    }

    /// <summary>A call of whatever is offered, with made-up arguments.</summary>
    public static FunctionCall AnyCall(ModelInput input)
    {
        var ask = new Ask(Topic.Weather) { Place = new Place("Makati", "PH"), Capacity = 10, Email = "nobody@example.com" };
        return ask.ToCall(input.Tools[0]);
    }

    /// <summary>What the user said: messages between which nothing stands are said at once.</summary>
    private static List<string> Said(IReadOnlyList<Item> items)
    {
        var said = new List<string>();
        var isGoingOn = false;
        foreach (var item in items)
        {
            if (item.IsUserMessage && isGoingOn)
            {
                said[^1] += "\n" + item.ContentText;
            }
            else if (item.IsUserMessage)
            {
                said.Add(item.ContentText);
            }

            isGoingOn = item.IsUserMessage;
        }

        return said;
    }

    /// <summary>Null when the rules do not cover what was asked.</summary>
    private static string? Text(Understanding understanding, Turn turn, ModelInput input)
    {
        string[] parts =
        [
            .. Answered(understanding, turn, input).Select(call => ToolAnswer.Tell(call.Call, call.Output)),
            .. NotOffered(understanding, turn, input),
            .. Questions(understanding, input),
        ];
        if (parts.Length > 0)
        {
            return string.Join("\n\n", parts);
        }

        return understanding.LooseEmail is { } email ? Phrases.WhatAbout(email) : null;
    }

    private static IEnumerable<string> NotOffered(Understanding understanding, Turn turn, ModelInput input) => understanding.Asks
        .Select(ask => ask.Topic)
        .Distinct()
        .Where(topic => input.Tools.All(tool => tool.Name != topic.Function()) && turn.Answered.All(call => call.Call.Name != topic.Function()))
        .Select(Phrases.NotOffered);

    /// <summary>The calls that answer the question; others, such as a call with wrong arguments, only when there are none.</summary>
    private static IReadOnlyList<(FunctionCall Call, string Output)> Answered(Understanding understanding, Turn turn, ModelInput input)
    {
        FunctionCall[] wanted = [.. Wanted(understanding, input)];
        (FunctionCall Call, string Output)[] answers = [.. turn.Answered.Where(answer => wanted.Any(call => Turn.AreSame(answer.Call, call)))];
        return answers.Length > 0 ? answers : turn.Answered;
    }

    private static IEnumerable<FunctionCall> Wanted(Understanding understanding, ModelInput input) =>
        (from ask in understanding.Asks.Distinct()
         where ask.IsComplete
         from tool in input.Tools
         where tool.Name == ask.Topic.Function()
         select ask.ToCall(tool)).Concat(OtherTools.Wanted(input));

    private static IEnumerable<string> Questions(Understanding understanding, ModelInput input) => understanding.Asks
        .Where(ask => !ask.IsComplete && input.Tools.Any(tool => tool.Name == ask.Topic.Function()))
        .GroupBy(ask => (ask.LacksEmail, ask.LacksPlace, ask.LacksCapacity))
        .Select(Phrases.AskFor);
}
