namespace Cosmo.Functions.Delivery;

/// <summary>What a user is told when a message is not answered (wire contract, section 2).</summary>
internal static class Sentences
{
    public const string RateLimit = "I'm receiving too many requests right now. Please try again in a moment.";
    public const string CallTimeout = "The request took too long to process. Please try again.";
    public const string Connection = "I'm having trouble connecting to my services. Please try again in a moment.";
    public const string InvalidRequest = "There was an issue with your request format. Please try again.";
    public const string ThreadGone = "The conversation thread was not found or may have expired.";
    public const string Tool = "I had trouble executing one of my tools. Please try again.";
    public const string Other = "I encountered an issue while processing your request.";
    public const string NoFirstResponse = "The assistant is taking too long to respond. Please try again.";
    public const string Stalled = "The response was interrupted. Please try again.";
    public const string Overall = "The request is taking longer than expected to process. Please try again.";
}
