namespace Cosmo.Local.Emulators.OpenAI.Rules;

/// <summary>The sentences that do not come from a function's output.</summary>
internal static class Phrases
{
    public const string WhatIKnow =
        "I am Cosmo's local emulator, not a model: I answer by rules, and they do not cover this. "
        + "I can help you with five things: the current weather in a city, the active clients per service, available offices in a city "
        + "for a number of people, and the audit logs or the role of a person by their e-mail address. "
        + "Try \"Weather in Makati?\" or \"Offices in Cebu for 20 people\".";

    public static string WhatAbout(string email) =>
        $"Thank you, I have noted {email}. What would you like to know about this person: their audit logs, or their role?";

    public static string NotOffered(Topic topic) =>
        $"I am sorry, I cannot look up {topic.Phrase()} for you here: this conversation does not offer me the means. "
        + "An administrator can say whether your account should have it.";

    /// <summary>Asks for what a group of asks lacks.</summary>
    public static string AskFor(IEnumerable<Ask> asks)
    {
        var ask = asks.First();
        var subject = string.Join(" and ", asks.Select(asked => asked.Topic.Phrase()).Distinct());
        return ask switch
        {
            { LacksEmail: true } => $"I can look up {subject} for you. Which person is it about? Please give me their e-mail address.",
            { LacksPlace: true, LacksCapacity: true } => $"I can look up {subject} for you. In which city, and for how many people?",
            { LacksPlace: true } => $"I can look up {subject} for you. Which city do you mean?",
            _ => $"I can look up {subject} in {ask.Place!.City} for you. For how many people should it be?",
        };
    }
}
